import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { invalid, readLog, refusal, UNKNOWN, useApp } from './suite.ts'

describe.each(backends)('pause, resume and terminate on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })

  const path = (agent: { id: string }, action = '') => `${fleet.agents}/${agent.id}${action}`
  const pause = (agent: Agent, body?: unknown) => fleet.rest.post<Agent>(path(agent, '/pause'), body)
  const resume = (agent: Agent, body?: unknown) => fleet.rest.post<Agent>(path(agent, '/resume'), body)
  const onStatus = (message: string) => refusal(422, 'VAL_001', { message, field: 'status' })

  it('pause shows at once, and that the runtime has yet to obey', async () => {
    const me = (await fleet.rest.get<{ id: string }>('/users/me')).body
    const agent = await spawn(fleet, { status: 'working', current_task: 'drive' })
    const { status, body } = await pause(agent, { reason: 'lunch', resume_after: 90 })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'paused', current_task: 'drive', pending_signals: 1 })
    const { control } = body
    expect(control).toEqual({
      signal_id: expect.any(String),
      kind: 'pause',
      state: 'pending',
      reason: 'lunch',
      requested_by: { kind: 'user', id: me.id },
      requested_at: body.updated_at,
      acknowledged_at: null,
      resume_at: new Date(Date.parse(control?.requested_at ?? '') + 90_000).toISOString(),
      mode: 'checkpoint',
      cause: { kind: 'order', id: null },
    })
  })

  it('resume is only for a paused agent, and ends the pending pause', async () => {
    const agent = await spawn(fleet, { status: 'working' })
    expect(await resume(agent)).toEqual(onStatus('Cannot transition from working to idle'))
    await pause(agent, { resume_after: 60 })
    const { body } = await resume(agent, { reason: 'back' })
    expect(body).toMatchObject({
      status: 'idle',
      control: { kind: 'resume', state: 'pending', reason: 'back', resume_at: null },
      pending_signals: 1,
    })
    expect(await resume(agent)).toEqual(onStatus('Cannot transition from idle to idle'))
  })

  it('a paused agent cannot be paused again, also not with another time', async () => {
    const agent = await spawn(fleet)
    const paused = (await pause(agent)).body
    expect(await pause(agent, { resume_after: 5 })).toEqual(
      onStatus('Cannot transition from paused to paused'),
    )
    expect((await fleet.rest.get<Agent>(path(agent))).body).toEqual(paused)
  })

  it('terminate says so by name, clears the session and the task, and works once', async () => {
    const agent = await spawn(fleet, { name: 'Ada "the" First', session_id: 's', current_task: 't' })
    const answer = await fleet.rest.delete<object>(path(agent), { reason: 'done' })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      success: true,
      message: `Agent 'Ada "the" First' has been terminated`,
    })
    const read = (await fleet.rest.get<Agent>(path(agent))).body
    expect(read).toMatchObject({
      status: 'terminated',
      session_id: null,
      current_task: null,
      terminated_at: read.updated_at,
      control: { kind: 'terminate', reason: 'done' },
      pending_signals: 1,
    })
    expect(await fleet.rest.delete(path(agent))).toEqual(onStatus('Agent is already terminated'))
    expect(await pause(agent)).toEqual(onStatus('Cannot transition from terminated to paused'))
    expect(await resume(agent)).toEqual(onStatus('Cannot transition from terminated to idle'))
  })

  it.each(['idle', 'working', 'waiting', 'paused'])(
    'every agent that is %s can be terminated',
    async (status) => {
      const agent = await spawn(fleet, { status: status === 'paused' ? 'idle' : status })
      if (status === 'paused') await pause(agent)
      expect((await fleet.rest.delete(path(agent))).status).toBe(200)
    },
  )

  it.each([
    ['pause', 'reason', 'x'.repeat(501)],
    ['pause', 'reason', '\0'],
    ['pause', 'resume_after', 0],
    ['pause', 'resume_after', 2_592_001],
    ['pause', 'resume_after', 1.5],
    ['pause', 'resume_after', '60'],
    ['pause', 'force', true],
    ['resume', 'resume_after', 5],
    ['resume', 'reason', 7],
  ])('%s refuses a wrong %s', async (action, field, value) => {
    const agent = await spawn(fleet)
    expect(await fleet.rest.post(path(agent, `/${action}`), { [field]: value })).toEqual(invalid(field))
  })

  it('a body that is not an object is refused, a list too', async () => {
    const agent = await spawn(fleet)
    for (const body of ['null', '7', '"x"', '[]', '[{}]']) {
      const shown = { body, answer: await fleet.rest.post(path(agent, '/pause'), body) }
      expect(shown).toEqual({ body, answer: invalid(null) })
    }
  })

  it('the bounds of a pause are within it', async () => {
    for (const body of [
      { resume_after: 2_592_000, reason: 'x'.repeat(500) },
      { resume_after: 2_592_000 },
      {},
    ]) {
      expect((await pause(await spawn(fleet), body)).status).toBe(200)
    }
  })

  it('an unknown agent and one of another project are the same 404', async () => {
    const other = await createFleet(fleet.rest)
    const elsewhere = await spawn(other)
    for (const { id } of [{ id: UNKNOWN }, elsewhere]) {
      const message = `Agent ${id} not found in project ${fleet.project_id}`
      const missing = refusal(404, 'SYS_002', { message })
      expect(await fleet.rest.post(path({ id }, '/pause'))).toEqual(missing)
      expect(await fleet.rest.post(path({ id }, '/resume'))).toEqual(missing)
      expect(await fleet.rest.delete(path({ id }))).toEqual(missing)
      expect(await fleet.rest.patch(path({ id }), { tokens_used: 1 })).toEqual(missing)
      expect(await fleet.rest.get(path({ id }))).toEqual(missing)
      expect(await fleet.rest.get(path({ id }, '/metrics'))).toEqual(missing)
    }
    expect((await fleet.rest.get<Agent>(`${other.agents}/${elsewhere.id}`)).body).toEqual(elsewhere)
  })

  it('of fifty pauses at once one succeeds, and there is one event', async () => {
    const agent = await spawn(fleet)
    const answers = await Promise.all(Array.from({ length: 50 }, () => pause(agent)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused).toHaveLength(49)
    for (const answer of refused) expect(answer).toEqual(onStatus('Cannot transition from paused to paused'))
    const events = await readLog(fleet.rest, fleet.project_id, agent.seq)
    expect(events.map(({ name }) => name)).toEqual(['agent.status_changed'])
  })

  it('a new control signal supersedes the one before it', async () => {
    const agent = await spawn(fleet)
    await pause(agent)
    await resume(agent)
    await pause(agent)
    expect((await fleet.rest.get<Agent>(path(agent))).body.pending_signals).toBe(1)
    await fleet.rest.delete(path(agent))
    expect((await fleet.rest.get<Agent>(path(agent))).body.pending_signals).toBe(1)
    const signals = (await readLog(fleet.rest, fleet.project_id, agent.seq)).map(({ signal }) => signal)
    expect(signals.map((signal) => signal?.kind)).toEqual(['pause', 'resume', 'pause', 'terminate'])
    expect(new Set(signals.map((signal) => signal?.id)).size).toBe(4)
  })
})
