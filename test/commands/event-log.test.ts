import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AgentSummary } from '#src/domain/agent.ts'
import { canTransition } from '#src/domain/lifecycle.ts'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import type { App } from '#src/server/app.ts'
import { type Backend, backends, sharedBackends, startApp } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'

const statuses = ['idle', 'working', 'waiting', 'paused'] as const
const AGENTS = 12

/** What happens to one of the agents; most of it is refused, as the agent is elsewhere by then. */
const step = fc.record({
  agent: fc.nat(AGENTS - 1),
  call: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(...statuses).map((status) => ['PATCH', '', { status }] as const),
    },
    { weight: 2, arbitrary: fc.nat(50).map((tokens_used) => ['PATCH', '', { tokens_used }] as const) },
    { weight: 2, arbitrary: fc.constant(['POST', '/pause', { reason: 'x' }] as const) },
    { weight: 2, arbitrary: fc.constant(['POST', '/resume', {}] as const) },
    { weight: 1, arbitrary: fc.constant(['DELETE', '', {}] as const) },
  ),
})

async function readLog(fleet: Fleet): Promise<AgentEventFrame[]> {
  const all: AgentEventFrame[] = []
  for (;;) {
    const after = all.at(-1)?.seq ?? 0
    const path = `/projects/${fleet.project_id}/events?after=${after}&limit=70`
    const { body } = await fleet.rest.get<{ data: AgentEventFrame[]; last_seq: number }>(path)
    all.push(...body.data)
    if (body.data.length === 0) {
      expect(after).toBe(body.last_seq)
      return all
    }
  }
}

function replay(events: readonly AgentEventFrame[]): Map<string, AgentSummary> {
  const held = new Map<string, AgentSummary>()
  for (const { agent, from, to } of events) {
    const before = held.get(agent.id)
    if (from && to) {
      expect(before?.status).toBe(from)
      expect(canTransition(from, to)).toBe(true)
    } else if (before) expect(agent.status).toBe(before.status)
    held.set(agent.id, agent)
  }
  return held
}

async function readState(fleet: Fleet): Promise<Map<string, AgentSummary>> {
  const { body } = await fleet.rest.get<{ data: Agent[] }>(`${fleet.agents}?limit=100`)
  return new Map(body.data.map(({ short_term_memory: _, ...agent }) => [agent.id, agent]))
}

async function shake(fleet: Fleet, clients: readonly Rest[]): Promise<void> {
  const agents: Agent[] = []
  for (let index = 0; index < AGENTS; index++) agents.push(await spawn(fleet, { token_limit: 40 }))
  const steps = fc.sample(step, 400)
  let [next, changed] = [0, AGENTS]
  const work = async (rest: Rest) => {
    for (let index = next++; index < steps.length; index = next++) {
      const { agent, call } = steps[index] as (typeof steps)[number]
      const [method, path, body] = call
      const { status } = await rest.call(method, `${fleet.agents}/${agents[agent]?.id}${path}`, body)
      expect([200, 422]).toContain(status)
      if (status === 200) changed++
    }
  }
  await Promise.all(clients.flatMap((client) => Array.from({ length: 8 }, () => work(client))))

  const events = await readLog(fleet)
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
  expect(events.length).toBeGreaterThan(AGENTS + 50)
  // A success that changed nothing made no event.
  expect(events.length).toBeLessThanOrEqual(changed)
  expect(replay(events)).toEqual(await readState(fleet))
}

describe.each(backends)('the log of one server on $name', (backend: Backend) => {
  let app: App
  beforeAll(async () => {
    app = await startApp(await backend.config())
  })
  afterAll(() => app.stop())

  it('replays to the current state, without a gap, after 400 mixed concurrent requests', async () => {
    const rest = await Rest.of(app).signIn()
    await shake(await createFleet(rest), [rest])
  })
})

describe.each(sharedBackends)('the log of two servers on $name', (backend: Backend) => {
  let apps: [App, App]
  beforeAll(async () => {
    const config = await backend.config()
    apps = [await startApp(config), await startApp(config)]
  })
  afterAll(() => Promise.all(apps.map((app) => app.stop())))

  it('replays to the current state, without a gap, after 400 mixed concurrent requests', async () => {
    const rest = await Rest.of(apps[0]).signIn()
    await shake(await createFleet(rest), [rest, Rest.of(apps[1]).as(rest.token)])
  })

  it('shows one success of fifty concurrent pauses through both servers', async () => {
    const rest = await Rest.of(apps[0]).signIn()
    const clients = [rest, Rest.of(apps[1]).as(rest.token)]
    const fleet = await createFleet(rest)
    const { id } = await spawn(fleet)
    const pauses = Array.from({ length: 25 }, () =>
      clients.map((client) => client.post(`${fleet.agents}/${id}/pause`)),
    )
    const answers = await Promise.all(pauses.flat())
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 422)).toHaveLength(49)
    expect((await readLog(fleet)).map(({ name }) => name)).toEqual(['agent.spawned', 'agent.status_changed'])
  })

  it('gives every agent the last name of a project that is renamed while agents are spawned', async () => {
    const rest = await Rest.of(apps[0]).signIn()
    const other = Rest.of(apps[1]).as(rest.token)
    const fleet = await createFleet(rest)
    const path = `/projects/${fleet.project_id}`
    const renames = Array.from({ length: 4 }, (_, index) => other.patch(path, { name: `Name ${index}` }))
    const spawns = Array.from({ length: 40 }, () => spawn(fleet))
    const [answers] = await Promise.all([Promise.all(renames), Promise.all(spawns)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    const { name } = (await rest.get<{ name: string }>(path)).body
    const state = await readState(fleet)
    expect(new Set([...state.values()].map((agent) => agent.project_name))).toEqual(new Set([name]))
    expect(replay(await readLog(fleet))).toEqual(state)
  })
})
