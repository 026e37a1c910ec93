import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { App } from '#src/server/app.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { answerOf } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { readLog, useApp } from './suite.ts'

const LATE_MS = 2_000
const system = { kind: 'system', id: null }

/** Well after every pause of these tests is over. */
const until = <Answer>(ask: () => Promise<Answer | undefined>) => answerOf(ask, 20_000)

function actionsOf(fleet: Fleet) {
  const path = ({ id }: { id: string }) => `${fleet.agents}/${id}`
  const get = async (agent: Agent) => (await fleet.rest.get<Agent>(path(agent))).body
  const pause = async (agent: Agent, resume_after: number | undefined = 1) => {
    const { status, body } = await fleet.rest.post<Agent>(`${path(agent)}/pause`, { resume_after })
    expect(status).toBe(200)
    return body
  }
  const resume = (agent: Agent) => fleet.rest.post(`${path(agent)}/resume`)
  /** The event that ended the pause of an agent. */
  const resumed = (agent: Agent) =>
    until(async () =>
      (await readLog(fleet.rest, fleet.project_id, agent.seq)).find(
        (event) => event.agent.id === agent.id && event.from === 'paused',
      ),
    )
  /** A pause that ends later than all before it: what was due by then has been looked at. */
  const outwait = async () => resumed(await pause(await spawn(fleet, { name: 'witness' })))
  const eventsOf = async (agent: Agent) =>
    (await readLog(fleet.rest, fleet.project_id, agent.seq)).filter((event) => event.agent.id === agent.id)
  return { path, get, pause, resume, resumed, outwait, eventsOf }
}

function expectInTime({ at }: EventFrame, { control }: Agent): void {
  const late = Date.parse(at) - Date.parse(control?.resume_at ?? '')
  expect(late).toBeGreaterThanOrEqual(0)
  expect(late).toBeLessThanOrEqual(LATE_MS)
}

describe.each(backends)('a pause with an end on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let on: ReturnType<typeof actionsOf>
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
    on = actionsOf(fleet)
  })

  it('ends by itself in time, and tells the runtime', async () => {
    const paused = await on.pause(await spawn(fleet, { status: 'working', current_task: 'drive' }))
    expect(Date.parse(paused.control?.resume_at ?? '') - Date.parse(paused.updated_at)).toBe(1_000)
    const event = await on.resumed(paused)
    expectInTime(event, paused)
    expect(event).toMatchObject({
      name: 'agent.status_changed',
      actor: system,
      from: 'paused',
      to: 'idle',
      signal: { kind: 'resume' },
    })
    expect(await on.get(paused)).toMatchObject({
      status: 'idle',
      current_task: 'drive',
      seq: event.seq,
      pending_signals: 1,
      control: {
        signal_id: event.signal?.id,
        kind: 'resume',
        state: 'pending',
        requested_by: system,
        requested_at: event.at,
        resume_at: null,
      },
    })
    expect(await on.eventsOf(paused)).toHaveLength(1)
  })

  it('ends in time for each of a crowd that was paused at once', async () => {
    const agents = await Promise.all(Array.from({ length: 60 }, () => spawn(fleet)))
    const body = { action: 'pause', all: true, resume_after: 1 }
    expect((await fleet.rest.post(`${fleet.agents}/actions`, body)).status).toBe(200)
    const paused = await Promise.all(agents.map(on.get))
    for (const agent of paused) expectInTime(await on.resumed(agent), agent)
  })

  it('does not end the pause of an agent that was resumed, paused again, prolonged or terminated', async () => {
    const bulk = (action: string, agent: Agent) =>
      fleet.rest.post(`${fleet.agents}/actions`, { action, ids: [agent.id] })
    const patch = (body: object) => (agent: Agent) => fleet.rest.patch(on.path(agent), body)
    const again = (resume_after?: number) => async (agent: Agent) => {
      await on.resume(agent)
      return fleet.rest.post(`${on.path(agent)}/pause`, { resume_after })
    }
    const endings: [string, (agent: Agent) => Promise<{ status: number }>][] = [
      ['idle', on.resume],
      ['idle', patch({ status: 'idle' })],
      ['idle', (agent) => bulk('resume', agent)],
      ['terminated', (agent) => fleet.rest.delete(on.path(agent))],
      ['terminated', patch({ status: 'terminated' })],
      ['terminated', (agent) => bulk('terminate', agent)],
      ['paused', again()],
      ['paused', again(600)],
    ]
    const ended = []
    for (const [status, end] of endings) {
      const agent = await on.pause(await spawn(fleet))
      expect((await end(agent)).status).toBe(200)
      const after = await on.get(agent)
      expect(after.status).toBe(status)
      // The last is prolonged; of the others none has an end any more.
      if (end !== endings.at(-1)?.[1]) expect(after.control?.resume_at).toBeNull()
      ended.push(after)
    }
    await on.outwait()
    for (const agent of ended) expect(await on.get(agent)).toEqual(agent)
  })

  it('ends in time, whatever else of the agent has changed', async () => {
    const paused = await on.pause(await spawn(fleet))
    const patched = await fleet.rest.patch<Agent>(on.path(paused), { current_task: 'x', tokens_used: 9 })
    expect(patched.body.control).toEqual(paused.control)
    expectInTime(await on.resumed(paused), paused)
    expect(await on.get(paused)).toMatchObject({ status: 'idle', current_task: 'x' })
  })

  it.each([
    ['token limit', { token_limit: 5, tokens_used: 5 }, { token_limit: 6 }],
    ['cost limit', { cost_limit: '1', cost_incurred: '1.0001' }, { cost_limit: null }],
  ])('over its %s an agent stays paused, and its timer is gone', async (_, over, raised) => {
    const paused = await on.pause(await spawn(fleet))
    await fleet.rest.patch(on.path(paused), over)
    const after = await until(async () => {
      const agent = await on.get(paused)
      return agent.control?.resume_at === null ? agent : undefined
    })
    expect(after).toMatchObject({
      status: 'paused',
      control: { ...paused.control, resume_at: null, reason: 'budget' },
    })
    const events = await on.eventsOf(paused)
    expect(events.map(({ name, actor }) => [name, actor.kind])).toEqual([
      ['agent.budget_exceeded', 'user'],
      ['agent.updated', 'system'],
    ])
    expect(events[1]).not.toHaveProperty('signal')
    expectInTime(events[1] as EventFrame, paused)
    await fleet.rest.patch(on.path(paused), raised)
    await on.outwait()
    expect(await on.get(paused)).toMatchObject({ status: 'paused' })
    expect((await on.resume(paused)).status).toBe(200)
  })
})

describe.each(sharedBackends)('a pause with an end, and several processes on $name', (backend) => {
  let config: Awaited<ReturnType<typeof backend.config>>
  let apps: App[] = []
  const start = async () => {
    const app = await startApp(config)
    apps.push(app)
    return app
  }
  const stop = async (app: App | undefined) => {
    apps = apps.filter((other) => other !== app)
    await app?.stop()
  }
  let fleet: Fleet
  beforeAll(async () => {
    config = await backend.config()
  })
  beforeEach(async () => {
    while (apps.length < 2) await start()
    fleet = await createFleet(await Rest.of(apps[0] as App).signIn())
  })
  afterAll(() => Promise.all(apps.map((app) => app.stop())))

  it('ends once, with any number of processes', async () => {
    await Promise.all(Array.from({ length: 40 }, () => spawn(fleet)))
    const on = actionsOf(fleet)
    await fleet.rest.post(`${fleet.agents}/actions`, { action: 'pause', all: true, resume_after: 1 })
    await on.outwait()
    const log = await readLog(fleet.rest, fleet.project_id)
    const ended = log.filter(({ from }) => from === 'paused').map(({ agent }) => agent.id)
    expect(ended).toHaveLength(41)
    expect(new Set(ended).size).toBe(41)
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
  })

  it('ends in time by another process, if its own has stopped', async () => {
    const paused = await actionsOf(fleet).pause(await spawn(fleet), 2)
    const [first, second] = apps as [App, App]
    await stop(first)
    expect(Date.parse(paused.control?.resume_at ?? '')).toBeGreaterThan(Date.now())
    const on = actionsOf({ ...fleet, rest: Rest.of(second).as(fleet.rest.token) })
    expectInTime(await on.resumed(paused), paused)
    expect(await on.get(paused)).toMatchObject({ status: 'idle', control: { requested_by: system } })
    expect(await on.eventsOf(paused)).toHaveLength(1)
  })

  it('ends soon after a start, if no process was running at its time', async () => {
    const paused = await actionsOf(fleet).pause(await spawn(fleet))
    await Promise.all([...apps].map(stop))
    await setTimeout(Math.max(0, Date.parse(paused.control?.resume_at ?? '') - Date.now()))
    const app = await start()
    const started = Date.now()
    const on = actionsOf({ ...fleet, rest: Rest.of(app).as(fleet.rest.token) })
    const { at } = await on.resumed(paused)
    expect(Date.parse(at) - started).toBeLessThanOrEqual(LATE_MS)
  })
})
