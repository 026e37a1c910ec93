import { afterEach, describe, expect, it } from 'vitest'
import { parseTokens } from '#src/dashboard/model/amounts.ts'
import { arrange, startsDescending } from '#src/dashboard/model/arrange.ts'
import { budgetUse } from '#src/dashboard/model/budget-use.ts'
import { reasonOf, sayEvent } from '#src/dashboard/model/events.ts'
import { formatCountdown, formatMoney, formatShort, formatSpan } from '#src/dashboard/model/format.ts'
import { BUCKET_MS, History } from '#src/dashboard/model/history.ts'
import { completeAgent, completeEvent, type OlderAgent } from '#src/dashboard/model/older.ts'
import { addLabel, readSearch } from '#src/dashboard/model/search.ts'
import { count, noTotals, type Totals } from '#src/dashboard/model/totals.ts'
import { Trees } from '#src/dashboard/model/trees.ts'
import {
  fromFieldTime,
  startOfDay,
  startOfHour,
  toFieldTime,
  type Zone,
  zone,
  zoneName,
} from '#src/dashboard/model/zone.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { Control } from '#src/domain/control.ts'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import { anAgent } from '../domain/an-agent.ts'

const START = Date.parse('2026-11-23T12:00:00.000Z')
const all = {
  statuses: new Set<never>(),
  agent_type_id: undefined,
  parent_id: undefined,
  text: '',
  selector: [],
}
const names = (agents: readonly AgentSummary[]) => agents.map(({ name }) => name)
const agent = (own: Parameters<typeof anAgent>[0]) => toAgentSummary(anAgent(own))

describe('the order of the list', () => {
  const agents = ['agent 10', 'Agent 2', 'agent 1'].map((name, index) =>
    agent({ id: String(index), name, tokens_used: index }),
  )

  it('sorts numbers in names by value', () => {
    const sort = { by: 'name', isDescending: false } as const
    expect(names(arrange(agents, { filter: all, sort }, START))).toEqual(['agent 1', 'Agent 2', 'agent 10'])
  })

  it('puts the highest usage first', () => {
    expect(startsDescending('tokens')).toBe(true)
    const sort = { by: 'tokens', isDescending: true } as const
    expect(names(arrange(agents, { filter: all, sort }, START))).toEqual(['agent 1', 'Agent 2', 'agent 10'])
    const ascending = { by: 'tokens', isDescending: false } as const
    expect(names(arrange(agents, { filter: all, sort: ascending }, START))).toEqual([
      'agent 10',
      'Agent 2',
      'agent 1',
    ])
  })

  it('shows a terminated agent for a minute, or as long as the filter includes it', () => {
    const ended = agent({ status: 'terminated', terminated_at: new Date(START).toISOString() })
    const sort = { by: 'name', isDescending: false } as const
    const shown = (now: number, statuses = all.statuses as Set<never>) =>
      arrange([ended], { filter: { ...all, statuses }, sort }, now).length
    expect(shown(START + 59_000)).toBe(1)
    expect(shown(START + 61_000)).toBe(0)
    expect(shown(START + 61_000, new Set(['terminated']) as Set<never>)).toBe(1)
  })
})

describe('a list of some agents', () => {
  it('has those alone, also one that has ended long ago', () => {
    const agents = ['a', 'b', 'c'].map((id) => agent({ id, name: id }))
    const ended = agent({
      id: 'd',
      name: 'd',
      status: 'terminated',
      terminated_at: new Date(0).toISOString(),
    })
    const sort = { by: 'name', isDescending: false } as const
    const shown = (own: object) =>
      names(
        arrange([...agents, ended], { filter: { ...all, ids: new Set(['b', 'd']), ...own }, sort }, START),
      )
    expect(shown({})).toEqual(['b', 'd'])
    expect(shown({ statuses: new Set(['idle']) })).toEqual(['b'])
  })
})

describe('the search box', () => {
  it.each([
    ['', '', []],
    ['  driver 7 ', 'driver 7', []],
    ['team=support', '', [['team', 'in', ['support']]]],
    [
      'driver team=support,!legacy',
      'driver',
      [
        ['team', 'in', ['support']],
        ['legacy', 'absent', []],
      ],
    ],
    ['Ada  env != prod', 'Ada', [['env', 'not_in', ['prod']]]],
    ['Ada tier in (gold, silver)', 'Ada', [['tier', 'in', ['gold', 'silver']]]],
    ['zone notin (a)', '', [['zone', 'not_in', ['a']]]],
    [
      'Ada gpu, team=support',
      'Ada',
      [
        ['gpu', 'present', []],
        ['team', 'in', ['support']],
      ],
    ],
    ['!legacy', '', [['legacy', 'absent', []]]],
    ['labels:gpu', '', [['gpu', 'present', []]]],
    [
      'Ada labels: gpu,cpu',
      'Ada',
      [
        ['gpu', 'present', []],
        ['cpu', 'present', []],
      ],
    ],
    ['wow! a task in progress, or two', 'wow! a task in progress, or two', []],
  ] as const)('reads %o as text and a selector', (typed, text, terms) => {
    const selector = terms.map(([key, is, values]) => ({ key, is, values }))
    expect(readSearch(typed)).toEqual({ text, selector })
  })

  it.each([
    ['team=a b', 8],
    ['driver team=a b', 15],
    ['driver tier in (gold', 21],
    ['labels:a+b', 9],
    ['=x', 1],
  ])('says where it cannot read %o: at %i', (typed, position) => {
    const { problem, selector } = readSearch(typed)
    expect(problem).toMatch(new RegExp(`, at position ${position}$`))
    expect(selector).toEqual([])
  })

  it.each([
    ['', 'team=support'],
    ['driver', 'driver team=support'],
    ['env=prod', 'env=prod,team=support'],
    ['driver env=prod,', 'driver env=prod,team=support'],
    ['labels:', 'labels:team=support'],
    ['labels:gpu', 'labels:gpu,team=support'],
    ['driver team=support', 'driver team=support'],
    ['team in (support)', 'team in (support)'],
    ['team in (support,sales)', 'team in (support,sales),team=support'],
  ])('takes a label with %o', (typed, expected) => {
    expect(addLabel(typed, 'team', 'support')).toBe(expected)
  })

  const sort = { by: 'name', isDescending: false } as const
  const labelled = [
    agent({ id: 'a', name: 'Ada', labels: { team: 'support' } }),
    agent({ id: 'b', name: 'Bob', labels: { team: 'support', gpu: '' } }),
    agent({ id: 'c', name: 'Cy' }),
  ]
  const shown = (typed: string) => {
    const { text, selector, problem } = readSearch(typed)
    const filter = { ...all, text, selector: problem === undefined ? selector : undefined }
    return names(arrange(labelled, { filter, sort }, START))
  }

  it('narrows the list by labels and text', () => {
    expect(shown('team=support')).toEqual(['Ada', 'Bob'])
    expect(shown('bo team=support')).toEqual(['Bob'])
    expect(shown('team!=support')).toEqual(['Cy'])
    expect(shown('labels:gpu')).toEqual(['Bob'])
  })

  it('shows no agent while the selector cannot be read', () => {
    expect(shown('team=support,')).toEqual([])
  })
})

describe('trees of agents', () => {
  const family = [
    agent({ id: 'root' }),
    agent({ id: 'one', parent_id: 'root' }),
    agent({ id: 'two', parent_id: 'root' }),
    agent({ id: 'one.one', parent_id: 'one' }),
    agent({ id: 'alone' }),
  ]
  const trees = new Trees()
  // A child may be known before its parent, and an agent is added with each of its events.
  for (const one of [...family.toReversed(), ...family]) trees.add(one)

  it('have children, and descendants that count once', () => {
    expect([...trees.children('root')].sort()).toEqual(['one', 'two'])
    expect([...trees.children('two')]).toEqual([])
    expect([...trees.descendants(['root'])].sort()).toEqual(['one', 'one.one', 'two'])
    expect([...trees.descendants(['root', 'one'])].sort()).toEqual(['one.one', 'two'])
    expect([...trees.descendants(['alone', 'two'])]).toEqual([])
  })

  it('are forgotten with the snapshot that they came with', () => {
    const old = new Trees()
    for (const one of family) old.add(one)
    old.clear()
    expect(old.children('root').size).toBe(0)
  })

  it('narrow the list to the children of one', () => {
    const sort = { by: 'name', isDescending: false } as const
    const shown = arrange(family, { filter: { ...all, parent_id: 'root' }, sort }, START)
    expect(shown.map(({ id }) => id)).toEqual(['one', 'two'])
  })
})

describe('the tightest limit', () => {
  it('decides the warning', () => {
    expect(
      budgetUse(agent({ tokens_used: 50, token_limit: 100, cost_incurred: '9.0000', cost_limit: '10.0000' })),
    ).toBe(0.9)
    expect(budgetUse(agent({}))).toBeUndefined()
    expect(budgetUse(agent({ token_limit: 0 }))).toBe(1)
  })
})

const spawned = {
  type: 'event',
  project_id: 'l',
  seq: 1,
  epoch: 1,
  name: 'agent.spawned',
  at: new Date(START).toISOString(),
  actor: { kind: 'user', id: 'u' },
  agent: agent({}),
} as const satisfies AgentEventFrame

/** A project that lives: each change is an event, with the sums after it. */
class Life {
  readonly events: AgentEventFrame[] = []
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

  it.each([0, 1, 2, 3, 4, 5])('is the same for a page that opens after event %i', (seen) => {
    const buckets = historyOf(seen).buckets(now)
    expect(buckets.map(({ at }) => (at - START) / BUCKET_MS)).toEqual([0, 1, 2, 3, 4])
    expect(buckets.map(({ by_status }) => by_status)).toMatchObject([
      { idle: 2, working: 0, paused: 0 },
      { idle: 1, working: 1, paused: 0 },
      { idle: 1, working: 1, paused: 0 },
      { idle: 0, working: 1, paused: 1 },
      { idle: 0, working: 1, paused: 1 },
    ])
    expect(buckets.map(({ costUnits }) => costUnits)).toEqual([0, 5_000, 0, 7_500, 0])
    expect(buckets.map(({ events }) => events)).toEqual([2, 1, 0, 2, 0])
  })

  it('has each event once, in order', () => {
    expect(historyOf(3).events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('a number of tokens', () => {
  it.each([
    ['200k', 200_000],
    ['200,000', 200_000],
    ['200 000', 200_000],
    ['200_000', 200_000],
    ['0.2M', 200_000],
    ['0.29m', 290_000],
    ['0.125M', 125_000],
    ['1.5 B', 1_500_000_000],
    ['0', 0],
  ])('is read as people type it: %s', (text, tokens) => {
    expect(parseTokens(text)).toBe(tokens)
  })

  it.each(['abc', '200kk', '1.5', '2,00', '-1', '1e9', '0x10', 'k', '∞', '99999999999B', 'NaN'])(
    'is refused when it is invalid, and never taken for no limit: %s',
    (text) => {
      expect(() => parseTokens(text)).toThrow('Enter a whole number')
    },
  )

  it.each(['200.000', '1.500', '1.500.000'])(
    'is refused with a point where others write a comma: %s',
    (text) => {
      expect(() => parseTokens(text)).toThrow('Write 200,000 or 200k')
    },
  )

  it('may be left out', () => {
    expect(parseTokens(undefined)).toBeUndefined()
  })
})

const aControl = {
  signal_id: 's',
  kind: 'pause',
  state: 'pending',
  reason: null,
  requested_by: { kind: 'user', id: 'u' },
  requested_at: new Date(START).toISOString(),
  acknowledged_at: null,
  resume_at: null,
  mode: 'interrupt',
  cause: { kind: 'parent', id: 'p' },
} as const satisfies Control

/** As a server before labels, trees and modes wrote it. */
function olden({ runtime, control, ...agent }: AgentSummary): OlderAgent {
  const { labels, external_id, parent_id, open_requests, holds, ...older } = agent
  const { connected, since } = runtime
  if (!control) return { ...older, runtime: { connected, since }, control }
  const { mode, cause, ...olderControl } = control
  return { ...older, runtime: { connected, since }, control: olderControl }
}

describe('an agent from an older server', () => {
  const newer = agent({
    labels: { team: 'support' },
    external_id: 'deployment/7',
    parent_id: 'p',
    holds: ['h'],
    open_requests: 2,
    capabilities: ['interrupt'],
    client: 'signalbox-js/0.2.0',
    control: aControl,
  })

  it('has every field, without those that it never had', () => {
    const control = { ...aControl, mode: 'checkpoint', cause: { kind: 'order', id: null } } as const
    expect(completeAgent(olden(newer))).toEqual(agent({ control }))
    expect(completeAgent(olden(agent({})))).toEqual(agent({}))
  })

  it('keeps what is known of it', () => {
    const cause = { kind: 'order', id: null }
    expect(completeAgent(olden(newer), newer)).toEqual({
      ...newer,
      control: { ...aControl, mode: 'checkpoint', cause },
    })
  })

  it.each([
    ['runtime', null, 'terminate', 'graceful', 'runtime'],
    ['system', 'resume_after', 'resume', null, 'timer'],
    ['system', 'budget', 'pause', 'checkpoint', 'budget'],
    ['api_key', 'budget', 'pause', 'checkpoint', 'order'],
  ] as const)('was controlled by %s with the reason %s: a %s', (kind, reason, control, mode, cause) => {
    const ordered = { ...aControl, kind: control, reason, requested_by: { kind, id: null } }
    const older = olden(agent({ control: ordered }))
    expect(completeAgent(older).control).toEqual({ ...ordered, mode, cause: { kind: cause, id: null } })
  })

  it('is the same object where nothing is missing', () => {
    const event = { ...spawned, agent: newer }
    expect(completeEvent(event)).toBe(event)
    expect(completeEvent({ ...spawned, agent: olden(newer) as AgentSummary }, newer).agent.labels).toEqual({
      team: 'support',
    })
  })
})

describe('numbers', () => {
  it('are short, and never zero for a small amount', () => {
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

describe('the words for an event', () => {
  const sent = (kind: 'message' | 'pause' | 'terminate') =>
    ({
      name: 'agent.signal_sent',
      actor: { kind: 'user', id: null },
      signal: { kind, reason: 'storm' },
      agent: { parent_id: 'p', control: { kind, mode: 'interrupt', cause: { kind: 'parent', id: 'p' } } },
    }) as AgentEventFrame

  const named = { agent: () => 'Ada' }

  it('tell a message from an order that is sent again, and why', () => {
    expect(sayEvent(sent('message'), named)).toBe('message sent')
    expect(sayEvent(sent('pause'), named)).toBe('pause sent again (interrupt), with its parent Ada')
    expect(reasonOf(sent('pause'))).toBe('storm')
  })

  it('say of a person nothing that others may have changed before', () => {
    const before = agent({ tokens_used: 120, current_task: 'Count' })
    const after = { ...before, labels: { team: 'support' } }
    const changed = { ...spawned, name: 'agent.updated', agent: after } as const
    expect(sayEvent(changed, named, before)).toBe('labels changed')
    expect(sayEvent(changed, named)).toBe('updated')
    expect(sayEvent(changed, named, after)).toBe('updated')
  })
})

describe('the time zone of the page', () => {
  const own = process.env.TZ
  afterEach(() => {
    zone.value = 'local'
    if (own === undefined) delete process.env.TZ
    else process.env.TZ = own
  })

  it.each<[Zone, string, { name: string; typed: string; hour: string; day: string }]>([
    [
      'utc',
      'Australia/Adelaide',
      { name: 'UTC', typed: '2026-11-23T20:00:00', hour: '20:00', day: '23T00:00' },
    ],
    [
      'local',
      'Australia/Adelaide',
      { name: 'Australia/Adelaide', typed: '2026-11-24T06:30:00', hour: '19:30', day: '23T13:30' },
    ],
    [
      'local',
      'America/New_York',
      { name: 'America/New_York', typed: '2026-11-23T15:00:00', hour: '20:00', day: '23T05:00' },
    ],
  ])('%s in %s', (chosen, local, { name, typed, hour, day }) => {
    process.env.TZ = local
    zone.value = chosen
    const time = '2026-11-23T20:00:00.000Z'
    const ms = Date.parse(time)
    expect(zoneName()).toBe(name)
    expect([toFieldTime(time), fromFieldTime(typed)]).toEqual([typed, time])
    expect(new Date(startOfHour(ms)).toISOString()).toBe(`2026-11-23T${hour}:00.000Z`)
    expect(new Date(startOfDay(ms)).toISOString()).toBe(`2026-11-${day}:00.000Z`)
    expect([toFieldTime('soon'), fromFieldTime('')]).toEqual(['', undefined])
  })

  it('has days as long as its clocks make them', () => {
    process.env.TZ = 'America/New_York'
    const after = Date.parse('2026-11-02T12:00:00.000Z')
    expect(startOfDay(after) - startOfDay(after, -1)).toBe(25 * 3_600_000)
    zone.value = 'utc'
    expect(startOfDay(after) - startOfDay(after, -1)).toBe(24 * 3_600_000)
  })
})
