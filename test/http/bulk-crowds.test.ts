import { beforeEach, describe, expect, it } from 'vitest'
import { canTransition } from '#src/domain/lifecycle.ts'
import { backends } from '../support/backends.ts'
import { readLog, spawnMany, toggleAgents } from '../support/load.ts'
import { type Agent, type AgentMetrics, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { useApp } from './suite.ts'

type Bulk = { message: string; affected_count: number; skipped: { id: string; message: string }[] }

const MANY = 1_000
const LIMIT_MS = 5_000

describe.each(backends)('actions on a crowd of agents on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await createFleet(running().rest)
  })

  const act = (body: object) => fleet.rest.post<Bulk>(`${fleet.agents}/actions`, body)
  const timed = async (body: object) => {
    const started = performance.now()
    const answer = await act(body)
    return { ...answer, ms: performance.now() - started }
  }
  const log = () => readLog(fleet.rest, fleet.project_id)
  const byStatus = async () => (await fleet.rest.get<AgentMetrics>(`${fleet.agents}/metrics`)).body.by_status

  it('pause, resume and terminate a thousand in under five seconds each', async () => {
    const agents = await spawnMany(fleet, MANY)
    const ids = agents.map(({ id }) => id)
    for (const body of [
      { action: 'pause', all: true },
      { action: 'resume', ids },
      { action: 'terminate', all: true },
    ]) {
      const { status, body: answer, ms } = await timed(body)
      expect({ ...body, status, ...answer }).toMatchObject({ status: 200, affected_count: MANY, skipped: [] })
      expect(ms).toBeLessThan(LIMIT_MS)
    }
    expect(await byStatus()).toMatchObject({ terminated: MANY, idle: 0, paused: 0 })
    const events = await log()
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    for (const [turn, name] of ['agent.spawned', 'agent.status_changed', 'agent.status_changed'].entries()) {
      const part = events.slice(turn * MANY, (turn + 1) * MANY)
      expect(new Set(part.map((event) => event.name))).toEqual(new Set([name]))
      expect(new Set(part.map(({ agent }) => agent.id))).toEqual(new Set(ids))
    }
  })

  it('have no other events between theirs, since they are one transaction', async () => {
    const [crowd, others] = [await spawnMany(fleet, 100), await spawnMany(fleet, 20)]
    const updates = others.flatMap(({ id }) =>
      Array.from({ length: 5 }, (_, n) => fleet.rest.patch(`${fleet.agents}/${id}`, { tokens_used: n + 1 })),
    )
    const [{ body }] = await Promise.all([
      act({ action: 'pause', ids: crowd.map(({ id }) => id) }),
      ...updates,
    ])
    expect(body.affected_count).toBe(100)
    const seqs = (await log()).filter(({ to }) => to === 'paused').map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_, index) => (seqs[0] ?? 0) + index))
    expect(seqs).toHaveLength(100)
  })

  it('asked ten times at once pause each agent once', async () => {
    await spawnMany(fleet, 60)
    const answers = await Promise.all(Array.from({ length: 10 }, () => act({ action: 'pause', all: true })))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(answers.map(({ body }) => body.affected_count).sort((one, two) => two - one)).toEqual([
      60,
      ...Array.from({ length: 9 }, () => 0),
    ])
    expect((await log()).filter(({ to }) => to === 'paused')).toHaveLength(60)
  })

  it('against each other, in opposite orders, keep every life legal', async () => {
    const ids = (await spawnMany(fleet, 60)).map(({ id }) => id)
    const answers = await Promise.all([
      act({ action: 'pause', ids }),
      act({ action: 'resume', ids: ids.toReversed() }),
      act({ action: 'terminate', all: true }),
      act({ action: 'pause', ids: ids.toReversed() }),
      ...ids.map((id) => fleet.rest.post(`${fleet.agents}/${id}/pause`)),
    ])
    expect(answers.every(({ status }) => status === 200 || status === 422)).toBe(true)
    expect(answers[2]).toMatchObject({ status: 200, body: { affected_count: 60 } })
    const events = await log()
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    for (const { from, to } of events) if (from && to) expect(canTransition(from, to)).toBe(true)
    expect(await byStatus()).toMatchObject({ terminated: 60 })
  })

  it('terminate all that exist, while others are being spawned', async () => {
    await spawnMany(fleet, 50)
    let stopped = false
    const spawned: Agent[] = []
    const spawning = Array.from({ length: 8 }, async () => {
      while (!stopped && spawned.length < 600) spawned.push(await spawn(fleet))
    })
    while (spawned.length < 40) await new Promise(setImmediate)
    const { status, body } = await act({ action: 'terminate', all: true })
    stopped = true
    await Promise.all(spawning)
    expect({ status, body }).toMatchObject({ status: 200, body: { skipped: [] } })
    const events = await log()
    const ends = events.filter(({ name }) => name === 'agent.terminated')
    const first = ends[0]?.seq ?? 0
    const before = events.filter(({ name, seq }) => name === 'agent.spawned' && seq < first)
    expect(new Set(ends.map(({ agent }) => agent.id))).toEqual(new Set(before.map(({ agent }) => agent.id)))
    expect(ends).toHaveLength(body.affected_count)
  })

  it('pause exactly the agents that work, while others start and stop working', async () => {
    const agents = await spawnMany(fleet, 40)
    let [written, stopped] = [0, false]
    const toggling = toggleAgents({ rests: [fleet.rest], fleet, agents }, (count) => {
      written = count
      return stopped || count > 2_000
    })
    while (written < 100) await new Promise(setImmediate)
    const answers = []
    for (const reason of ['one', 'two', 'three', 'four', 'five']) {
      answers.push({ reason, ...(await act({ action: 'pause', all: true, status: 'working', reason })) })
      await act({ action: 'resume', all: true, status: 'paused' })
    }
    stopped = true
    await toggling
    const events = await log()
    for (const { reason, status, body } of answers) {
      expect({ reason, status, body }).toMatchObject({ status: 200, body: { skipped: [] } })
      const pauses = events.filter(({ signal }) => signal?.reason === reason)
      const before = events.slice(0, (pauses[0]?.seq ?? 1) - 1).map(({ agent }) => [agent.id, agent.status])
      const working = Object.entries(Object.fromEntries(before)).filter(([, status]) => status === 'working')
      expect(pauses.map(({ agent }) => agent.id).sort()).toEqual(working.map(([id]) => id).sort())
      expect(pauses).toHaveLength(body.affected_count)
    }
  })
})
