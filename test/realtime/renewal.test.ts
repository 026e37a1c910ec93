import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { addUser } from '../http/suite.ts'
import { makeShortToken } from '../support/access-token.ts'
import { backends } from '../support/backends.ts'
import { addKey, addToken, createFleetOf } from '../support/cast.ts'
import { type Fleet, Rest, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

const revokeKey = statement(
  'test_revoke_key',
  `update api_keys set revoked_at = now() where id = (
     select id from api_keys where agent_id = $1 and revoked_at is null order by created_at, id limit 1)`,
)

describe.each(backends)('the credentials of a socket of $name', (backend) => {
  let stage: Stage
  let owner: { id: string; email: string; rest: Rest }
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    owner = await addUser(stage.superuser)
    fleet = await createFleetOf(owner.rest, stage.superuser)
  })
  afterAll(() => stage.stop())

  const iso = (ms: number) => new Date(ms).toISOString()
  const member = (user_id: string) => `/projects/${fleet.project_id}/members/${user_id}`
  const watch = async (token: string | undefined, server = 0) => {
    const socket = await stage.connect(token, server)
    await socket.ask({ type: 'subscribe', project_id: fleet.project_id }, 'snapshot')
    return socket
  }

  it.concurrent('have to come within 5 s, whatever else the client sends', async () => {
    const started = Date.now()
    const socket = await stage.connect(undefined)
    socket.send({ type: 'ping' })
    socket.send('nonsense')
    expect(await socket.closed).toBe(4408)
    expect(Date.now() - started).toBeGreaterThan(4_900)
    expect(Date.now() - started).toBeLessThan(7_000)
  })

  it.concurrent('are announced to expire 60 s before they do', async () => {
    const { token, ends } = makeShortToken(owner.id, 63)
    const socket = await watch(token)
    expect(socket.frames.some(({ type }) => type === 'token_expiring')).toBe(false)
    const notice = await socket.next('token_expiring')
    expect(notice).toEqual({ type: 'token_expiring', expires_at: iso(ends) })
    expect(ends - Date.now()).toBeLessThanOrEqual(60_100)
    expect(ends - Date.now()).toBeGreaterThan(58_000)
    await socket.close()
  })

  it.concurrent('expire after the announcement, with 4401', async () => {
    const { token, ends } = makeShortToken(owner.id, 3)
    const socket = await stage.connect(token)
    const notice = await socket.next('token_expiring')
    expect(notice).toEqual({ type: 'token_expiring', expires_at: iso(ends) })
    expect(await socket.closed).toBe(4401)
    expect(Date.now()).toBeGreaterThanOrEqual(ends - 100)
    expect(Date.now()).toBeLessThan(ends + 1_000)
  })

  it.concurrent('are renewed without a gap in the stream or the end of a link', async () => {
    const own = await createFleetOf(owner.rest, stage.superuser)
    const agent = await spawn(own)
    const { token, ends } = makeShortToken(owner.id, 4)
    const socket = await stage.connect(token)
    const subscribed = await socket.ask({ type: 'subscribe', project_id: own.project_id }, 'subscribed')
    await socket.attach(agent.id)
    let isWriting = true
    // Over a port, since in-process requests to the embedded database never free the event loop.
    const writer = Rest.at(stage.origins[0] ?? '').as(owner.rest.token)
    const writing = (async () => {
      for (let n = 0; isWriting; n++) await writer.patch(`${own.agents}/${agent.id}`, { tokens_used: n })
    })()
    const renewed = await socket.answer({ type: 'auth', token: owner.rest.token })
    expect(renewed).toMatchObject({
      type: 'authenticated',
      principal: { kind: 'user', id: owner.id, role: 'user' },
    })
    expect(Date.parse(renewed.expires_at as string)).toBeGreaterThan(ends + 600_000)
    await socket.next((frame) => frame.type === 'event' && Date.parse(frame.at as string) > ends + 500)
    isWriting = false
    await writing
    const { body } = await own.rest.get<{ last_seq: number }>(`/projects/${own.project_id}/events`)
    const last = socket.events().at(-1)?.seq
    if (last !== body.last_seq) await socket.next((frame) => frame.seq === body.last_seq)
    expect(socket.events().map(({ seq }) => seq)).toEqual(
      Array.from(
        { length: body.last_seq - (subscribed.seq as number) },
        (_, n) => (subscribed.seq as number) + n + 1,
      ),
    )
    const types = new Set(socket.frames.map(({ type }) => type))
    expect([...types].filter((type) => ['detached', 'unsubscribed', 'error'].includes(type))).toEqual([])
    expect(await socket.report(agent.id, { n: 1 })).toMatchObject({ status: 'idle' })
  })

  it.concurrent('are renewed only by the same user', async () => {
    const other = await addUser(stage.superuser)
    await owner.rest.put(member(other.id), { role: 'viewer' })
    const { key } = await addKey(owner.rest, { role: 'operator' })
    const another = await addKey(owner.rest, { role: 'operator' })
    for (const [first, second] of [
      [owner.rest.token, other.rest.token],
      [owner.rest.token, stage.superuser.token],
      [owner.rest.token, key],
      [key, owner.rest.token],
      [key, another.key],
    ]) {
      const socket = await watch(first)
      socket.send({ type: 'auth', token: second })
      expect(await socket.closed).toBe(4401)
      expect(socket.frames.some(({ type }) => type === 'authenticated')).toBe(false)
    }
  })

  it.concurrent('that are invalid close the socket instead of renewing it', async () => {
    for (const [token, code] of [
      ['nonsense', 'AUTH_003'],
      ['sbx_nonsense', 'AUTH_003'],
      [makeShortToken(owner.id, -1).token, 'AUTH_002'],
    ]) {
      const socket = await watch(owner.rest.token)
      expect(await socket.answer({ type: 'auth', token })).toMatchObject({ type: 'error', code })
      expect(await socket.closed).toBe(4401)
    }
  })

  it.concurrent('of an agent are renewed by another of its tokens, which counts from then on', async () => {
    const agent = await spawn(fleet, { name: 'renewed' })
    const [first, second] = [await addToken(owner.rest, agent), await addToken(owner.rest, agent)]
    const socket = await stage.connect(first)
    await socket.attach(agent.id)
    expect(await socket.answer({ type: 'auth', token: second })).toMatchObject({ type: 'authenticated' })
    // The only token of another agent is revoked with the first one, so its end shows when the server noticed.
    const other = await spawn(fleet, { name: 'not renewed' })
    const control = await stage.connect(await addToken(owner.rest, other))
    for (const { id } of [agent, other]) await stage.app.database.run(revokeKey, [id])
    expect(await control.closed).toBe(4401)
    expect(await socket.report(agent.id, { n: 1 })).toMatchObject({ type: 'reported' })
    await stage.app.database.run(revokeKey, [agent.id])
    expect(await socket.closed).toBe(4401)
  })

  it.concurrent('stay valid for a member who becomes a viewer, for all that a viewer may do', async () => {
    const [demoted, removed] = [await addUser(stage.superuser), await addUser(stage.superuser)]
    for (const { id } of [demoted, removed]) await owner.rest.put(member(id), { role: 'operator' })
    const { rest: key } = await addKey(demoted.rest, { role: 'operator' })
    const staying = await Promise.all(
      stage.apps.flatMap((_, server) => [watch(demoted.rest.token, server), watch(key.token, server)]),
    )
    const leaving = await Promise.all(stage.apps.map((_, server) => watch(removed.rest.token, server)))
    await owner.rest.put(member(demoted.id), { role: 'viewer' })
    await owner.rest.delete(member(removed.id))
    for (const socket of leaving) {
      expect(await socket.next('unsubscribed')).toMatchObject({ reason: 'forbidden' })
    }
    const { id } = await spawn(fleet, { name: 'after' })
    for (const socket of staying) {
      await socket.next((frame) => frame.type === 'event' && frame.agent?.id === id)
      expect(socket.frames.some(({ type }) => type === 'unsubscribed')).toBe(false)
    }
    for (const rest of [demoted.rest, key])
      expect((await rest.post(`${fleet.agents}/${id}/pause`)).status).toBe(403)
  })
})
