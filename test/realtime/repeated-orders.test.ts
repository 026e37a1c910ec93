import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readLog, refusal } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { answerOf } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import type { RuntimeSocket } from '../support/runtime.ts'
import { Stage } from '../support/stage.ts'

type Bulk = { affected_count: number; skipped: { id: string; message: string }[] }

describe.each(backends)('an order sent again on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  let runtime: RuntimeSocket
  beforeAll(async () => {
    stage = await Stage.start(backend)
  })
  afterAll(() => stage.stop())
  beforeEach(async () => {
    fleet = await createFleet(stage.superuser)
    runtime = await stage.connect(fleet.rest.token, stage.origins.length - 1)
  })

  const path = ({ id }: { id: string }, action = '') => `${fleet.agents}/${id}${action}`
  const pause = (agent: Agent, body?: object) => fleet.rest.post<Agent>(path(agent, '/pause'), body)
  const end = (agent: Agent, query = '') => fleet.rest.delete<object>(path(agent, query))
  const act = async (body: object) => (await fleet.rest.post<Bulk>(`${fleet.agents}/actions`, body)).body
  const get = async (agent: Agent) => (await fleet.rest.get<Agent>(path(agent))).body
  const attached = async (own: object = {}) => {
    const agent = await spawn(fleet, own)
    await runtime.attach(agent.id)
    return agent
  }
  const onStatus = (message: string) => refusal(422, 'VAL_001', { message, field: 'status' })
  const isPaused = onStatus('Cannot transition from paused to paused')
  const isEnded = onStatus('Agent is already terminated')
  const signals = async (agent: Agent) =>
    (
      await fleet.rest.get<{ data: { kind: string; mode: string; outcome: string }[] }>(
        path(agent, '/signals'),
      )
    ).body.data
  const delivered = (agent: Agent) =>
    answerOf(async () => {
      const { control } = await get(agent)
      return control?.state === 'delivered' ? control : undefined
    })

  it('reaches the runtime as a new signal in its own mode, and supersedes the earlier one', async () => {
    const agent = await attached()
    const first = (await pause(agent, { reason: 'storm', resume_after: 600 })).body
    const { id } = await runtime.signal()
    await delivered(agent)
    const again = await pause(agent, { mode: 'interrupt' })
    const { control } = again.body
    expect(again).toMatchObject({ status: 200, body: { status: 'paused', pending_signals: 1 } })
    expect(control).toMatchObject({
      state: 'pending',
      mode: 'interrupt',
      reason: 'storm',
      resume_at: first.control?.resume_at,
    })
    const signal = await runtime.signal()
    expect(signal).toMatchObject({ id: control?.signal_id, kind: 'pause', mode: 'interrupt', attempt: 1 })
    expect(await signals(agent)).toMatchObject([
      { mode: 'interrupt', outcome: null },
      { mode: 'checkpoint', outcome: 'superseded' },
    ])
    const sent = (await readLog(fleet.rest, fleet.project_id)).find(
      ({ name }) => name === 'agent.signal_sent',
    )
    expect(sent).toMatchObject({
      signal: { id: signal.id, reason: 'storm' },
      agent: { id: agent.id, control },
    })
    expect(sent).not.toHaveProperty('from')
    expect(sent).not.toHaveProperty('to')
    expect((await runtime.acknowledge(agent.id, id)).outcome).toBe('superseded')
    await runtime.acknowledge(agent.id, signal.id)
    expect((await get(agent)).control).toMatchObject({ state: 'done', signal_id: signal.id })
    expect(await pause(agent)).toEqual(isPaused)
  })

  it('may be sent any number of times, after a failure too, with another timer', async () => {
    const agent = await attached()
    await pause(agent)
    await runtime.acknowledge(agent.id, (await runtime.signal()).id, 'failed')
    for (const resume_after of [undefined, 600, undefined, 900]) {
      const before = (await get(agent)).control
      const { body } = await pause(agent, { resume_after })
      const { requested_at = '', resume_at } = body.control ?? {}
      const end = new Date(Date.parse(requested_at) + 1000 * (resume_after ?? 0)).toISOString()
      expect(resume_at).toBe(resume_after ? end : before?.resume_at)
    }
    await fleet.rest.post(path(agent, '/resume'))
    expect((await get(agent)).control).toMatchObject({ kind: 'resume', resume_at: null })
  })

  it('is refused without a runtime, for a resume, and changes nothing by PATCH', async () => {
    const alone = await spawn(fleet)
    await pause(alone)
    expect(await pause(alone, { mode: 'interrupt' })).toEqual(isPaused)
    await end(alone)
    expect(await end(alone, '?mode=now')).toEqual(isEnded)
    const agent = await attached()
    await pause(agent)
    await delivered(agent)
    const before = await get(agent)
    expect((await fleet.rest.patch<Agent>(path(agent), { status: 'paused' })).body.seq).toBe(before.seq)
    await fleet.rest.post(path(agent, '/resume'))
    expect(await fleet.rest.post(path(agent, '/resume'))).toEqual(
      onStatus('Cannot transition from idle to idle'),
    )
  })

  it('may be a terminate, whose runtime may attach again until it has obeyed', async () => {
    const agent = await attached()
    await end(agent)
    const ended = await get(agent)
    await runtime.acknowledge(agent.id, (await runtime.signal()).id, 'failed')
    const refused = await runtime.answer({ type: 'attach', agent_id: agent.id })
    expect(refused).toMatchObject({ type: 'error', code: 'RT_003' })
    expect(await end(agent, '?mode=now')).toMatchObject({
      status: 200,
      body: { success: true, message: "Agent 'Ada' has been terminated" },
    })
    expect(await get(agent)).toMatchObject({
      status: 'terminated',
      terminated_at: ended.terminated_at,
      control: { kind: 'terminate', mode: 'now' },
    })
    const other = await stage.connect(fleet.rest.token)
    await other.attach(agent.id)
    const signal = await other.signal()
    expect(signal).toMatchObject({ kind: 'terminate', mode: 'now' })
    await other.acknowledge(agent.id, signal.id)
    expect(await end(agent)).toEqual(isEnded)
  })

  it('reaches the descendants that have not obeyed either', async () => {
    const root = await attached()
    const child = await attached({ parent_id: root.id })
    const obedient = await attached({ parent_id: child.id })
    const resumed = await attached({ parent_id: root.id })
    await pause(root)
    await runtime.acknowledge(obedient.id, (await get(obedient)).control?.signal_id ?? '')
    await fleet.rest.post(path(resumed, '/resume'))
    const before = (await get(root)).control
    const { body } = await pause(root, { mode: 'interrupt' })
    expect(body.control).toMatchObject({ mode: 'interrupt', cause: { kind: 'order' } })
    expect(body.control?.signal_id).not.toBe(before?.signal_id)
    expect((await get(child)).control).toMatchObject({
      mode: 'interrupt',
      cause: { kind: 'parent', id: root.id },
    })
    expect((await get(obedient)).control).toMatchObject({ mode: 'checkpoint', state: 'done' })
    expect((await get(resumed)).status).toBe('idle')
    // A child that was asked again, by itself or with its parent, still resumes with it.
    await pause(child)
    await fleet.rest.post(path(root, '/resume'))
    expect((await get(child)).status).toBe('idle')

    await end(root)
    await end(root, '?mode=now&cascade=false')
    expect((await get(child)).control).toMatchObject({ mode: 'graceful' })
    await end(root, '?mode=now')
    for (const agent of [child, obedient, resumed]) {
      expect((await get(agent)).control).toMatchObject({ kind: 'terminate', mode: 'now' })
    }
  })

  it('is part of an action on many agents only if that says so', async () => {
    const [root, obedient, alone] = [await attached(), await attached(), await spawn(fleet)]
    const child = await attached({ parent_id: root.id })
    const ids = [root, obedient, alone].map(({ id }) => id)
    const message = 'Cannot transition from paused to paused'
    expect(await act({ action: 'pause', ids })).toMatchObject({ affected_count: 4 })
    await runtime.acknowledge(obedient.id, (await get(obedient)).control?.signal_id ?? '')
    const every = { affected_count: 0, skipped: ids.map((id) => ({ id, message })) }
    expect(await act({ action: 'pause', ids })).toMatchObject(every)
    expect(await act({ action: 'pause', ids, again: false })).toMatchObject(every)
    const body = { action: 'pause', mode: 'interrupt', again: true }
    expect(await act({ ...body, ids })).toMatchObject({
      affected_count: 2,
      skipped: [obedient, alone].map(({ id }) => ({ id, message })),
    })
    expect((await get(child)).control).toMatchObject({ mode: 'interrupt', cause: { id: root.id } })
    expect(await act({ ...body, ids: [root.id], cascade: false })).toMatchObject({ affected_count: 1 })
    expect(await act({ ...body, all: true, status: 'paused' })).toMatchObject({ affected_count: 2 })
    expect(await fleet.rest.post(`${fleet.agents}/actions`, { ...body, ids, again: 'yes' })).toEqual(
      refusal(422, 'VAL_001', { message: expect.any(String), field: 'again' }),
    )
  })

  it('on all also reaches terminated agents that have not obeyed', async () => {
    const [open, obedient, alone] = [await attached(), await attached(), await spawn(fleet)]
    const child = await attached({ parent_id: alone.id })
    expect(await act({ action: 'terminate', all: true })).toMatchObject({ affected_count: 4 })
    await runtime.acknowledge(obedient.id, (await get(obedient)).control?.signal_id ?? '')
    const late = await spawn(fleet)
    const none = { affected_count: 0, skipped: [] }
    expect(await act({ action: 'pause', all: true, status: 'terminated', again: true })).toMatchObject(none)
    const body = { action: 'terminate', all: true, mode: 'now' }
    expect(await act({ ...body, status: 'terminated' })).toMatchObject(none)
    const again = { ...body, again: true }
    expect(await act({ ...again, status: 'terminated' })).toMatchObject({ affected_count: 2, skipped: [] })
    expect(await act(again)).toMatchObject({ affected_count: 3, skipped: [] })
    for (const agent of [open, child, late]) {
      expect((await get(agent)).control).toMatchObject({ kind: 'terminate', mode: 'now' })
    }
    const ids = [alone.id]
    expect(await act({ action: 'terminate', ids, again: true })).toMatchObject({
      affected_count: 0,
      skipped: [{ id: alone.id, message: 'Agent is already terminated' }],
    })
  })

  it('with an Idempotency-Key is sent once', async () => {
    const agent = await attached()
    await pause(agent)
    const headers = { 'idempotency-key': unique('again') }
    const give = () => fleet.rest.call<Agent>('POST', path(agent, '/pause'), {}, headers)
    const [one, two] = [await give(), await give()]
    expect(one).toMatchObject({ status: 200, body: two.body })
    expect(await signals(agent)).toHaveLength(2)
  })
})
