import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { addKey } from '../support/cast.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { readAudit } from './audit.ts'
import { addUser, invalid, refusal, UNKNOWN, useApp, wrongValues } from './suite.ts'

type Token = { token: string; expires_at: string }

const anything = { message: expect.any(String) }
/** A server knows the database's clock, which decides, to within some milliseconds; this allows for a busy machine. */
const CLOCK_ERROR_MS = 1_000
const DAY = 24 * 60 * 60

const age = statement('age_agent_tokens', 'update api_keys set expires_at = $2 where agent_id = $1')
const stored = statement(
  'stored_agent_tokens',
  `select k.key_hash, to_json(k)::text as row from api_keys k where k.agent_id = $1`,
)

describe.each(backends)('the token of an agent on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let agent: Agent
  let path: string
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
    agent = await spawn(fleet)
    path = `${fleet.agents}/${agent.id}`
  })

  const issue = async (body?: object, rest = fleet.rest) => {
    const answer = await rest.post<Token>(`${path}/token`, body)
    expect(answer.status).toBe(201)
    return answer.body
  }
  const readAs = (token: string) => fleet.rest.as(token).get<Agent>(path)

  it('is good for a day, or as long as was asked for, and reads its agent', async () => {
    for (const [body, seconds] of [
      [undefined, DAY],
      [{}, DAY],
      [{ expires_in: 60 }, 60],
      [{ expires_in: 30 * DAY }, 30 * DAY],
    ] as const) {
      const before = Date.now()
      const made = await issue(body)
      expect(made).toEqual({
        token: expect.stringMatching(/^sba_[\w-]{43}$/),
        expires_at: expect.any(String),
      })
      const lasts = Date.parse(made.expires_at) - seconds * 1000
      expect(lasts).toBeGreaterThanOrEqual(before - CLOCK_ERROR_MS)
      expect(lasts).toBeLessThanOrEqual(Date.now() + CLOCK_ERROR_MS)
      expect(await readAs(made.token)).toMatchObject({ status: 200, body: agent })
    }
  })

  it.each(
    wrongValues(
      ['expires_in', 59],
      ['expires_in', 30 * DAY + 1],
      ['expires_in', 60.5],
      ['expires_in', -60],
      ['expires_in', '60'],
      ['expires_in', null],
      ['role', 'operator'],
    ),
  )('is refused for $field: $shown', async ({ field, value }) => {
    expect(await fleet.rest.post(`${path}/token`, { [field]: value })).toEqual(invalid(field))
  })

  it('is another one each time, and an earlier one stays good', async () => {
    const [one, two] = [await issue(), await issue()]
    expect(one.token).not.toBe(two.token)
    for (const { token } of [one, two]) expect((await readAs(token)).status).toBe(200)
  })

  it('is refused as expired once it has expired, as long as it is kept', async () => {
    const { token } = await issue()
    await running().app.database.run(age, [agent.id, '2020-01-01T00:00:00Z'])
    const expired = await readAs(token)
    expect(expired).toEqual(refusal(401, 'AUTH_002', anything))
    expect(expired.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect((await readAs((await issue()).token)).status).toBe(200)
    expect((await readAs(token)).status).toBe(401)
  })

  it('is refused as invalid where it was never issued', async () => {
    const { token } = await issue()
    for (const made of ['sba_', 'sba_unknown', `sba_${'x'.repeat(43)}`, token.slice(0, -1), `${token}x`]) {
      const answer = await readAs(made)
      expect({ made, answer }).toEqual({ made, answer: refusal(401, 'AUTH_003', anything) })
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
  })

  it('is in the database as a hash alone', async () => {
    const { token } = await issue()
    const rows = await running().app.database.run<{ key_hash: string; row: string }>(stored, [agent.id])
    expect(rows.map(({ key_hash }) => key_hash)).toEqual([createHash('sha256').update(token).digest('hex')])
    for (const { row } of rows) {
      expect(row).toContain(agent.id)
      expect(row).not.toContain(token)
      expect(row).not.toContain(token.slice('sba_'.length))
    }
    expect((await readAs(rows[0]?.key_hash ?? '')).status).toBe(401)
  })

  it('ends with its maker, and is made by the owner of the project and by superusers alone', async () => {
    const owner = await addUser(fleet.rest)
    const project = { name: 'Own', slug: unique('own') }
    const { body } = await owner.rest.post<{ id: string }>('/projects', project)
    const own = { ...fleet, rest: owner.rest, project_id: body.id, agents: `/projects/${body.id}/agents` }
    const mine = await spawn(own)
    path = `${own.agents}/${mine.id}`
    const [by_owner, by_superuser] = [await issue({}, owner.rest), await issue()]
    expect((await readAs(by_owner.token)).body).toEqual(mine)
    const other = await addUser(fleet.rest)
    expect(await other.rest.post(`${path}/token`)).toEqual(refusal(403, 'AUTH_004', anything))
    expect(await fleet.rest.as(by_owner.token).post(`${path}/token`)).toEqual(
      refusal(403, 'AUTH_004', anything),
    )
    await fleet.rest.patch(`/users/${owner.id}`, { is_active: false })
    expect(await readAs(by_owner.token)).toEqual(refusal(401, 'AUTH_003', anything))
    expect((await readAs(by_superuser.token)).status).toBe(200)
  })

  it('has never more rights than its maker has at that moment', async () => {
    const maker = await addUser(fleet.rest, { is_superuser: true })
    const { token } = await issue({}, maker.rest)
    expect((await readAs(token)).status).toBe(200)
    await fleet.rest.patch(`/users/${maker.id}`, { is_superuser: false })
    expect(await maker.rest.get(path)).toEqual(refusal(403, 'AUTH_004', anything))
    expect([401, 403]).toContain((await readAs(token)).status)
  })

  it('is revoked with all others of its agent, at once, and with no other', async () => {
    const [one, two] = [await issue(), await issue()]
    const other = await spawn(fleet)
    const others = (await fleet.rest.post<Token>(`${fleet.agents}/${other.id}/token`)).body.token
    const { key } = await addKey(fleet.rest, { role: 'runtime', project_id: fleet.project_id })
    const verdict = (token: string) =>
      fleet.rest
        .as(undefined)
        .call('GET', `/verdict?agent_id=${agent.id}`, undefined, { 'x-signalbox-token': token })
    expect((await verdict(one.token)).status).toBe(200)
    const message = "2 tokens of agent 'Ada' have been revoked"
    expect(await fleet.rest.delete(`${path}/tokens`)).toMatchObject({
      status: 200,
      body: { success: true, message, affected_count: 2 },
    })
    for (const { token } of [one, two]) {
      expect(await verdict(token)).toEqual(refusal(401, 'AUTH_003', anything))
      expect(await readAs(token)).toEqual(refusal(401, 'AUTH_003', anything))
    }
    for (const token of [others, key]) expect((await verdict(token)).status).toBe(200)
    expect((await fleet.rest.delete(`${path}/tokens`)).body).toMatchObject({ affected_count: 0 })
    const { token } = await issue()
    expect((await verdict(token)).status).toBe(200)
    await fleet.rest.delete(path)
    const last = "1 token of agent 'Ada' has been revoked"
    expect((await fleet.rest.delete(`${path}/tokens`)).body).toMatchObject({
      message: last,
      affected_count: 1,
    })
    const trail = (await readAudit(fleet.rest)).filter(({ target_id }) => target_id === agent.id)
    const revoked = trail.filter(({ action }) => action === 'agent_tokens_revoked')
    expect(revoked.map(({ details }) => details)).toEqual(
      [1, 0, 2].map((affected_count) => ({ agent: 'Ada', affected_count })),
    )
    expect(revoked[0]).toMatchObject({ project_id: fleet.project_id, actor: { kind: 'user' } })
  })

  it('is revoked for agents of the project alone', async () => {
    const elsewhere = await spawn(await createFleet(fleet.rest))
    for (const id of [elsewhere.id, UNKNOWN]) {
      const message = `Agent ${id} not found in project ${fleet.project_id}`
      expect(await fleet.rest.delete(`${fleet.agents}/${id}/tokens`)).toEqual(
        refusal(404, 'SYS_002', { message }),
      )
    }
  })

  it('reads its agent, whatever became of it, until the project is gone', async () => {
    const { token } = await issue()
    await fleet.rest.delete(path)
    expect((await readAs(token)).body).toMatchObject({ status: 'terminated' })
    await fleet.rest.delete(`/projects/${fleet.project_id}`)
    expect(await readAs(token)).toEqual(refusal(401, 'AUTH_003', anything))
  })
})
