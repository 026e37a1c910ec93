import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn, unique } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

describe.each(backends)('requests with an Idempotency-Key on the servers of $name', (backend) => {
  let stage: Stage
  let rests: Rest[]
  beforeAll(async () => {
    stage = await Stage.start(backend)
    rests = stage.origins.map((origin) => Rest.at(origin).as(stage.superuser.token))
  })
  afterAll(() => stage.stop())

  const post = (rest: Rest, key: string, { path, body }: { path: string; body?: object }) =>
    rest.call<Agent>('POST', path, body, { 'idempotency-key': key })
  /** Sends the same request many times at once, over all servers. */
  const crowd = async (size: number, request: { path: string; body?: object }) => {
    const key = unique('key')
    const answers = await Promise.all(
      Array.from({ length: size }, (_, n) => post(rests[n % rests.length] as Rest, key, request)),
    )
    return answers.map(({ status, body, headers }) => ({ status, body, location: headers.get('location') }))
  }
  const lastSeq = async ({ rest, project_id }: Fleet) =>
    (await rest.get<{ last_seq: number }>(`/projects/${project_id}/events`)).body.last_seq

  it('20 at once spawn one agent and get the same answer', async () => {
    const fleet = await createFleet(stage.superuser)
    const { agents: path, agent_type_id } = fleet
    const answers = await crowd(20, {
      path,
      body: { agent_type_id, name: 'Ada', short_term_memory: { a: 1 } },
    })
    const { body } = await fleet.rest.get<{ data: Agent[] }>(path)
    expect(body.data).toHaveLength(1)
    const [agent] = body.data
    const expected = { status: 201, body: agent, location: `/api/v1${path}/${agent?.id}` }
    expect(answers).toEqual(answers.map(() => expected))
    expect(await lastSeq(fleet)).toBe(1)
  })

  it('20 at once with keys of their own give a name to one agent, and the others are refused', async () => {
    const fleet = await createFleet(stage.superuser)
    const { agents: path, agent_type_id } = fleet
    const body = { agent_type_id, name: 'Ada', external_id: 'job' }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        post(rests[n % rests.length] as Rest, unique('key'), { path, body }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
    expect(await lastSeq(fleet)).toBe(1)
  })

  it('20 at once pause an agent once and all succeed', async () => {
    const fleet = await createFleet(stage.superuser)
    const { id } = await spawn(fleet)
    const answers = await crowd(20, { path: `${fleet.agents}/${id}/pause` })
    expect(answers).toEqual(answers.map(() => ({ ...answers[0], status: 200 })))
    expect(await lastSeq(fleet)).toBe(2)
  })

  it('20 at once that are not allowed get the same refusal', async () => {
    const fleet = await createFleet(stage.superuser)
    const { id } = await spawn(fleet)
    const answers = await crowd(20, { path: `${fleet.agents}/${id}/resume` })
    expect(answers).toEqual(answers.map(() => ({ ...answers[0], status: 422 })))
    expect(await lastSeq(fleet)).toBe(1)
  })

  it('reach watchers once, when they are done, and not when they are repeated', async () => {
    const fleet = await createFleet(stage.superuser)
    const { project_id, agents, agent_type_id } = fleet
    const sockets = await Promise.all(
      stage.apps.map(async (_, server) => {
        const socket = await stage.connect(stage.superuser.token, server)
        await socket.ask({ type: 'subscribe', project_id }, 'snapshot')
        return socket
      }),
    )
    const filled = () => stage.apps.map(({ hub }) => hub.counts.filled)
    const before = filled()
    let done = 0
    const twice = async (request: { path: string; body?: object }) => {
      const key = unique('key')
      const { body } = await post(rests[done % rests.length] as Rest, key, request)
      done++
      for (const socket of sockets) await socket.next((frame) => frame.seq === done && frame.type === 'event')
      for (const rest of rests) expect((await post(rest, key, request)).body).toEqual(body)
      return body
    }
    const { id } = await twice({ path: agents, body: { agent_type_id, name: 'Ada' } })
    await twice({ path: `${agents}/${id}/pause` })
    await twice({ path: `${agents}/${id}/resume`, body: { reason: 'enough' } })
    await twice({ path: `${agents}/${id}/signals`, body: { kind: 'message', payload: {} } })
    await twice({ path: `/projects/${project_id}/issues`, body: { title: 'Look', assigned_agent_id: id } })
    await twice({ path: `${agents}/actions`, body: { action: 'terminate', all: true } })
    expect(await lastSeq(fleet)).toBe(done)
    for (const socket of sockets) {
      await socket.answer({ type: 'ping' })
      expect(socket.events().map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
    }
    // News brought them, not tail checks; a tail check may come first for one or two of the six.
    filled().forEach((count, app) => {
      expect(count - (before[app] ?? 0)).toBeLessThan(3)
    })
  })

  it('reach the runtime once: a message sent twice with one key arrives once', async () => {
    const fleet = await createFleet(stage.superuser)
    const { id } = await spawn(fleet)
    const path = `${fleet.agents}/${id}/signals`
    const runtime = await stage.connect(stage.superuser.token)
    await runtime.attach(id)
    const key = unique('key')
    for (const rest of [...rests, ...rests]) {
      await post(rest, key, { path, body: { kind: 'message', payload: { n: 1 } } })
    }
    await fleet.rest.post(path, { kind: 'message', payload: { n: 2 } })
    expect([(await runtime.signal()).payload, (await runtime.signal()).payload]).toEqual([{ n: 1 }, { n: 2 }])
  })
})
