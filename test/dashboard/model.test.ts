import { describe, expect, it } from 'vitest'
import { arrange, budgetUse } from '#src/dashboard/model/arrange.ts'
import { formatCountdown, formatMoney, formatShort, formatSpan } from '#src/dashboard/model/format.ts'
import { BUCKET_MS, History } from '#src/dashboard/model/history.ts'
import { count, noTotals, type Totals } from '#src/dashboard/model/totals.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { anAgent } from '../domain/an-agent.ts'

const START = Date.parse('2026-11-23T12:00:00.000Z')
const all = { statuses: new Set<never>(), agent_type_id: undefined, text: '' }
const names = (agents: readonly AgentSummary[]) => agents.map(({ name }) => name)
const agent = (own: Parameters<typeof anAgent>[0]) => toAgentSummary(anAgent(own))

describe('the order of the list', () => {
  const agents = ['agent 10', 'Agent 2', 'agent 1'].map((name, index) =>
    agent({ id: String(index), name, tokens_used: index }),
  )

  it('counts as people do', () => {
    const sort = { by: 'name', isReversed: false } as const
    expect(names(arrange(agents, { filter: all, sort }, START))).toEqual(['agent 1', 'Agent 2', 'agent 10'])
  })

  it('has the most used first', () => {
    const sort = { by: 'tokens', isReversed: false } as const
    expect(names(arrange(agents, { filter: all, sort }, START))).toEqual(['agent 1', 'Agent 2', 'agent 10'])
    const reversed = { by: 'tokens', isReversed: true } as const
    expect(names(arrange(agents, { filter: all, sort: reversed }, START))).toEqual([
      'agent 10',
      'Agent 2',
      'agent 1',
    ])
  })

  it('shows an agent that has ended for a minute more, or for as long as one asks for it', () => {
    const ended = agent({ status: 'terminated', terminated_at: new Date(START).toISOString() })
    const sort = { by: 'name', isReversed: false } as const
    const shown = (now: number, statuses = all.statuses as Set<never>) =>
      arrange([ended], { filter: { ...all, statuses }, sort }, now).length
    expect(shown(START + 59_000)).toBe(1)
    expect(shown(START + 61_000)).toBe(0)
    expect(shown(START + 61_000, new Set(['terminated']) as Set<never>)).toBe(1)
  })
})

describe('the tightest limit', () => {
  it('is what warns', () => {
    expect(
      budgetUse(agent({ tokens_used: 50, token_limit: 100, cost_incurred: '9.0000', cost_limit: '10.0000' })),
    ).toBe(0.9)
    expect(budgetUse(agent({}))).toBeUndefined()
    expect(budgetUse(agent({ token_limit: 0 }))).toBe(1)
  })
})

/** A project that lives: each change is an event, with the sums after it. */
class Life {
  readonly events: EventFrame[] = []
  readonly totals: Totals[] = []
  readonly #agents = new Map<string, AgentSummary>()
  readonly #totals = noTotals()

  change(next: AgentSummary, seconds: number): void {
    const before = this.#agents.get(next.id)
    if (before) count(this.#totals, before, -1)
    count(this.#totals, next, 1)
    this.#agents.set(next.id, next)
    this.totals.push(structuredClone(this.#totals))
    const at = new Date(START + seconds * 1_000).toISOString()
    const isChanged = before && before.status !== next.status
    this.events.push({
      type: 'event',
      project_id: next.project_id,
      seq: this.events.length + 1,
      epoch: 1,
      name: before ? (isChanged ? 'agent.status_changed' : 'agent.updated') : 'agent.spawned',
      at,
      actor: { kind: 'system', id: null },
      agent: next,
      ...(isChanged && { from: before.status, to: next.status }),
    })
  }
}

describe('the last hour', () => {
  const life = new Life()
  life.change(agent({ id: 'a', status: 'idle', cost_incurred: '0.0000' }), 0)
  life.change(agent({ id: 'b', status: 'idle', cost_incurred: '0.0000' }), 1)
  life.change(agent({ id: 'a', status: 'working', cost_incurred: '0.5000' }), 12)
  life.change(agent({ id: 'a', status: 'working', cost_incurred: '1.2500' }), 35)
  life.change(agent({ id: 'b', status: 'paused', cost_incurred: '0.0000' }), 36)
  const now = START + 40_000

  /** What is known to one who came after event `seen`, and was told of the rest of it afterwards. */
  function historyOf(seen: number): History {
    const history = new History()
    history.begin(life.totals[seen - 1] ?? noTotals(), seen)
    const known = new Map<string, AgentSummary>()
    life.events.forEach((event, index) => {
      if (event.seq > seen) history.add(event, known.get(event.agent.id), life.totals[index] ?? noTotals())
      known.set(event.agent.id, event.agent)
    })
    history.prepend(life.events.slice(0, seen))
    return history
  }

  it.each([0, 1, 2, 3, 4, 5])('is the same for whoever comes after event %i', (seen) => {
    const buckets = historyOf(seen).buckets(now)
    expect(buckets.map(({ at }) => (at - START) / BUCKET_MS)).toEqual([0, 1, 2, 3, 4])
    expect(buckets.map(({ by_status }) => by_status)).toMatchObject([
      { idle: 2, working: 0, paused: 0 },
      { idle: 1, working: 1, paused: 0 },
      { idle: 1, working: 1, paused: 0 },
      { idle: 0, working: 1, paused: 1 },
      { idle: 0, working: 1, paused: 1 },
    ])
    expect(buckets.map(({ cost_units }) => cost_units)).toEqual([0, 5_000, 0, 7_500, 0])
    expect(buckets.map(({ events }) => events)).toEqual([2, 1, 0, 2, 0])
  })

  it('holds the events once, in order', () => {
    expect(historyOf(3).events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('numbers', () => {
  it('are short, and never nothing where there is something', () => {
    expect([
      formatShort(9_999),
      formatShort(12_345),
      formatMoney(0.001),
      formatMoney(0),
      formatMoney(1234.5),
    ]).toEqual(['9,999', '12.3K', '<$0.01', '$0.00', '$1,234.50'])
    expect([formatSpan(59_999), formatSpan(60_000), formatSpan(90_000_000)]).toEqual(['59s', '1m', '1d'])
    expect([formatCountdown(900_000), formatCountdown(3_661_000), formatCountdown(-5)]).toEqual([
      '15:00',
      '1:01:01',
      '0:00',
    ])
  })
})
