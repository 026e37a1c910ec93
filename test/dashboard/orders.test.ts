import { describe, expect, it } from 'vitest'
import type { SignalDetails } from '#src/client/rest/rest.ts'
import { arrange } from '#src/dashboard/model/arrange.ts'
import { concernOf, findConcerns, hasConcern, sayConcern, sayKinds } from '#src/dashboard/model/attention.ts'
import { sayWhyStopped } from '#src/dashboard/model/causes.ts'
import { reasonOf, sayEvent } from '#src/dashboard/model/events.ts'
import { refusalOf } from '#src/dashboard/model/failures.ts'
import { countHeld, sayHeld } from '#src/dashboard/model/held.ts'
import { describeAnswer } from '#src/dashboard/model/orders.ts'
import { progress, shownStatus } from '#src/dashboard/model/progress.ts'
import { canRepeat, canTake, possibleOrders, reachedBelow } from '#src/dashboard/model/reach.ts'
import { recollect } from '#src/dashboard/model/recollection.ts'
import { sayReceipt } from '#src/dashboard/model/stop-receipt.ts'
import { follow, isOver, type Stop, tally } from '#src/dashboard/model/stops.ts'
import { count, inService, noTotals } from '#src/dashboard/model/totals.ts'
import { Trees } from '#src/dashboard/model/trees.ts'
import { worst } from '#src/dashboard/model/wall.ts'
import { type AgentSummary, toAgentSummary } from '#src/domain/agent.ts'
import type { Control } from '#src/domain/control.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { anAgent, NOW } from '../domain/an-agent.ts'

const aUser = { kind: 'user', id: 'u' } as const
const agent = (own: Parameters<typeof anAgent>[0]) => toAgentSummary(anAgent(own))
const ordered = (own: Partial<Control> = {}): Control => ({
  signal_id: 's',
  kind: 'pause',
  state: 'pending',
  reason: null,
  requested_by: aUser,
  requested_at: NOW,
  acknowledged_at: null,
  resume_at: null,
  mode: 'checkpoint',
  cause: { kind: 'order', id: null },
  ...own,
})
const orderedBy = (kind: Control['cause']['kind'], id: string | null, own: Partial<Control> = {}) =>
  ordered({ cause: { kind, id }, ...own })

describe('an accepted command', () => {
  const answer = { success: true, message: '' } as const
  const skipped = (message: string) => ({ id: 'a', message })

  it('is shown as sent, not as done', () => {
    expect(describeAnswer('pause', [{ ...answer, affected_count: 5_000, skipped: [] }])).toEqual({
      kind: 'sent',
      text: 'Pause sent to 5,000 agents.',
    })
  })

  it('is shown as sent again', () => {
    const text = 'Pause sent again to 3 agents.'
    const result = { ...answer, affected_count: 3, skipped: [] }
    expect(describeAnswer('pause', [result], { again: true })).toEqual({ kind: 'sent', text })
  })

  it('is shown as partial where agents were skipped, with the reasons', () => {
    const left = skipped('Cannot transition from paused to paused')
    const over = skipped('Agent is over its token limit')
    expect(describeAnswer('pause', [{ ...answer, affected_count: 13, skipped: [left, left, left] }])).toEqual(
      {
        kind: 'partial',
        text: 'Pause sent to 13 agents. 3 were already paused.',
      },
    )
    expect(describeAnswer('resume', [{ ...answer, affected_count: 0, skipped: [over] }])).toEqual({
      kind: 'problem',
      text: 'Resume sent to 0 agents. 1 is over its token limit.',
    })
  })

  it('leaves out agents that are on their way there, and does not call them stopped', () => {
    const control = ordered({ kind: 'terminate', state: 'delivered' })
    const unobeyed = { status: 'terminated', control, runtime_connected: true } as const
    const agents = new Map([
      ['a', agent({ id: 'a', ...unobeyed })],
      ['b', agent({ id: 'b', ...unobeyed, control: { ...control, state: 'done' } })],
    ])
    const left = skipped('Cannot transition from terminated to paused')
    const result = { ...answer, affected_count: 2, skipped: [left, { ...left, id: 'b' }] }
    expect(describeAnswer('pause', [result], { agents }).text).toBe(
      'Pause sent to 2 agents. 1 is stopping already. 1 was already terminated.',
    )
  })

  it.each([
    ['paused', 'delivered', { runtime_connected: true }, 'pausing'],
    ['paused', 'failed', { runtime_connected: true }, 'pausing'],
    ['paused', 'done', { runtime_connected: true }, 'paused'],
    ['terminated', 'delivered', { runtime_connected: true }, 'stopping'],
    ['terminated', 'delivered', { runtime_since: NOW }, 'terminated'],
    // A program that speaks HTTP shows itself when it fetches the command.
    ['paused', 'pending', {}, 'paused'],
    ['paused', 'delivered', {}, 'pausing'],
    ['terminated', 'delivered', {}, 'stopping'],
  ] as const)('is not the status of an agent: %s, the command %s, %j', (status, state, runtime, shown) => {
    const control = ordered({ state, kind: status === 'paused' ? 'pause' : 'terminate' })
    expect(shownStatus(agent({ status, control, ...runtime }))).toBe(shown)
  })

  it('counts an agent that has not obeyed a terminate as running', () => {
    const control = ordered({ kind: 'terminate', state: 'delivered' })
    const totals = noTotals()
    for (const own of [{ runtime_connected: true }, { runtime_since: NOW }])
      count(totals, agent({ status: 'terminated', control, ...own }), 1)
    count(totals, agent({ status: 'working', runtime_since: NOW }), 1)
    expect(inService(totals)).toBe(2)
    expect(totals.unsettled.terminated).toBe(1)
    expect(totals.lost.working).toBe(1)
  })

  it('is counted by a hold by how far it has come', () => {
    const held = (own: object) => agent({ status: 'paused', holds: ['h'], runtime_since: NOW, ...own })
    const agents = [
      held({ control: ordered({ state: 'done' }) }),
      held({ control: ordered(), runtime_connected: true }),
      held({ control: ordered() }),
      agent({ status: 'working' }),
    ]
    expect(sayHeld(countHeld(agents).get('h'))).toBe('1 agent paused, 1 pausing, 1 lost')
    expect(sayHeld(undefined)).toBe('0 agents paused')
  })
})

describe('an agent needs attention', () => {
  const now = Date.parse(NOW) + 3_600_000
  const recent = new Date(now - 1_000).toISOString()
  const connected = { runtime_connected: true, runtime_since: NOW } as const
  const concern = (own: Parameters<typeof anAgent>[0], askedAt?: string) => {
    const one = agent({ last_activity_at: recent, ...own })
    const found = concernOf(one, now, askedAt)
    return found && [found.kind, sayConcern(found, one, now)]
  }

  it.each([
    [{ status: 'paused', control: ordered({ state: 'failed' }) }, 'failed', 'pause failed'],
    [
      { ...connected, status: 'paused', control: ordered({ state: 'delivered' }) },
      'overdue',
      'pause not obeyed for 1h',
    ],
    [{ status: 'working', runtime_since: NOW }, 'lost', 'runtime lost 1h ago, was working'],
    [
      { status: 'paused', runtime_since: NOW, control: ordered() },
      'lost',
      'runtime lost 1h ago, before it confirmed the pause',
    ],
    [{ token_limit: 10, tokens_used: 10 }, 'over_limit', 'over its token limit'],
    [
      {
        ...connected,
        status: 'paused',
        control: ordered({ state: 'done', cause: { kind: 'budget', id: 'b' } }),
      },
      'over_limit',
      'over a budget',
    ],
    [{ status: 'working', last_activity_at: NOW }, 'silent', 'silent for 1h'],
    [{ cost_limit: '1.0000', cost_incurred: '0.8500' }, 'near_limit', 'has used 85% of its limit'],
  ] as const)('with the reason in words: %#', (own, kind, words) => {
    expect(concern(own)).toEqual([kind, words])
  })

  it.each([
    [{ status: 'idle', runtime_since: NOW }],
    [{ ...connected, status: 'paused', control: ordered({ state: 'delivered', requested_at: recent }) }],
    [{ status: 'terminated', runtime_since: NOW, control: ordered({ kind: 'terminate', state: 'failed' }) }],
    [{ status: 'paused', runtime_since: NOW, control: ordered({ state: 'done' }) }],
    // Only the agent that reached the budget, not those that stopped with it.
    [{ status: 'paused', control: ordered({ state: 'done', cause: { kind: 'parent', id: 'p' } }) }],
  ] as const)('unless all is well: %#', (own) => {
    expect(concern(own)).toBeUndefined()
  })

  const later = (ms: number) => new Date(Date.parse(NOW) + ms).toISOString()
  /** The states of one agent, one after the other; returns the last. */
  const live = (...states: Parameters<typeof anAgent>[0][]) =>
    states
      .map((own) => agent({ last_activity_at: recent, ...own }))
      .reduce((before, next) => {
        recollect(next, before)
        return next
      })
  const words = (one: AgentSummary) => {
    const found = concernOf(one, now)
    return found && sayConcern(found, one, now)
  }

  it('after its runtime was lost at work, whatever it was told since', () => {
    const gone = { runtime_since: later(1_000) }
    const paused = { ...gone, status: 'paused', control: ordered({ requested_at: later(2_000) }) } as const
    const resume = ordered({ signal_id: 'r', kind: 'resume', mode: null, requested_at: later(3_000) })
    const resumed = { ...gone, status: 'idle', control: resume } as const
    const lost = live({ ...gone, status: 'working' }, paused, resumed)
    expect(shownStatus(lost)).toBe('lost')
    expect(words(lost)).toBe('runtime lost 59m ago, resume not received')
    expect(words(live({ ...gone, status: 'working' }, paused))).toBe(
      'runtime lost 59m ago, pause not received',
    )
    // After a reload, the task tells.
    expect(shownStatus(agent({ ...resumed, current_task: 'Booking' }))).toBe('lost')
    const back = { ...resumed, runtime_connected: true, runtime_since: later(4_000) }
    expect(shownStatus(live({ ...gone, status: 'working' }, paused, back))).toBe('resuming')
    const obeyed = { ...back, control: { ...resume, state: 'done' } } as const
    expect(shownStatus(live({ ...gone, status: 'working' }, paused, back, obeyed))).toBe('idle')
    const terminate = ordered({ kind: 'terminate', requested_at: later(4_000) })
    const ended = { ...gone, status: 'terminated', control: terminate } as const
    expect(words(live({ ...gone, status: 'working' }, paused, ended))).toBeUndefined()
  })

  it('unless its runtime left in order, while it was idle', () => {
    const gone = { runtime_since: later(1_000) }
    const paused = { ...gone, status: 'paused', control: ordered({ requested_at: later(2_000) }) } as const
    expect(words(live({ ...gone, status: 'idle' }, paused))).toBeUndefined()
    expect(shownStatus(live({ ...gone, status: 'idle' }, paused))).toBe('paused')
  })

  it('from when a command was first asked for, also while it is sent again', () => {
    const control = ordered({ state: 'delivered' })
    const first = { ...connected, status: 'paused', control } as const
    const again = { ...control, signal_id: 't', state: 'pending', requested_at: recent } as const
    const third = { ...again, signal_id: 'u' }
    expect(words(live(first, { ...first, control: again }))).toBe('pause not obeyed for 1h, sent again')
    expect(words(live(first, { ...first, control: again }, { ...first, control: third }))).toBe(
      'pause not obeyed for 1h, sent 3 times',
    )
    const terminate = { ...again, kind: 'terminate' } as const
    expect(words(live(first, { ...first, status: 'terminated', control: terminate }))).toBe(
      'pause not obeyed for 1h, terminate sent since',
    )
    // What was sent is not what is overdue.
    const escalated = live(first, { ...first, status: 'terminated', control: terminate })
    expect(progress(escalated, now)).toBe('sent')
    expect(progress(live(first, { ...first, control: again }), now)).toBe('overdue')
    expect(words(live(first, { ...first, control: { ...again, state: 'done' } }))).toBeUndefined()
    const resume = { ...again, kind: 'resume', state: 'delivered' } as const
    expect(words(live(first, { ...first, status: 'idle', control: resume }))).toBeUndefined()
  })

  it('and no longer as soon as the agent has changed', () => {
    const failed = agent({ status: 'paused', control: ordered({ state: 'failed' }) })
    const found = concernOf(failed, now)
    const resumed = agent({ control: ordered({ kind: 'resume', mode: null }) })
    expect(found && hasConcern(failed, found)).toBe(true)
    expect(found && hasConcern(resumed, found)).toBe(false)
    expect(found && worst(new Map([['a', resumed]]), new Map([['a', found]]), 8)).toEqual([])
  })

  it('when people have not answered for five minutes', () => {
    const asking = { open_requests: 1, status: 'waiting' } as const
    expect(concern(asking, NOW)).toEqual(['unanswered', 'has waited 1h for an answer'])
    expect(concern(asking, recent)).toBeUndefined()
  })

  it('and comes first, the most urgent before all', () => {
    const agents = [
      agent({ id: 'calm', name: 'a' }),
      agent({ id: 'near', name: 'b', token_limit: 10, tokens_used: 9 }),
      agent({ id: 'failed', name: 'c', status: 'paused', control: ordered({ state: 'failed' }) }),
    ]
    const concerns = findConcerns(agents, now, () => undefined)
    const filter = {
      statuses: new Set<never>(),
      agent_type_id: undefined,
      parent_id: undefined,
      text: '',
      selector: [],
    }
    const sort = { by: 'attention', isDescending: false } as const
    const ids = (own: object) => arrange(agents, { filter: { ...filter, ...own }, sort, concerns }, now)
    expect(ids({}).map(({ id }) => id)).toEqual(['failed', 'near', 'calm'])
    expect(ids({ needs: new Set(['near_limit']) }).map(({ id }) => id)).toEqual(['near'])
    expect(sayKinds(concerns)).toBe('1 failed, 1 near limit')
  })
})

describe('a stop of everything', () => {
  const T0 = Date.parse(NOW)
  const at = (ms: number) => new Date(T0 + ms).toISOString()
  const begin = (own: Partial<Stop> = {}): Stop => ({
    way: 'pause',
    before: new Map(),
    members: new Map(),
    isOpen: true,
    ...own,
  })
  const there = { status: 'paused', runtime_connected: true } as const
  const member = (name: string, control: Control, own = {}) =>
    agent({ id: name, name, ...there, control, ...own })
  const fleet = (...agents: AgentSummary[]) => ({ agents: new Map(agents.map((one) => [one.id, one])) })
  const done = ordered({ state: 'done', acknowledged_at: at(4_000) })
  const terminate = ordered({
    signal_id: 't',
    kind: 'terminate',
    state: 'delivered',
    requested_at: at(60_000),
  })
  const resume = ordered({
    signal_id: 'r',
    kind: 'resume',
    state: 'done',
    mode: null,
    requested_at: at(70_000),
  })

  it('counts only those that got its command', () => {
    const stop = begin({ before: new Map([['Old', 's']]) })
    const late = ordered({ signal_id: 'l', requested_at: at(600_000) })
    follow(fleet(member('Old', ordered()), member('New', ordered()), member('Late', late)), stop, T0)
    expect([...stop.members.keys()]).toEqual(['New'])
    const held = begin({ hold_id: 'h' })
    follow(fleet(member('By hand', ordered()), member('Held', orderedBy('hold', 'h'))), held, T0)
    expect([...held.members.keys()]).toEqual(['Held'])
  })

  it('follows a fleet of any size', () => {
    const stop = begin()
    const one = member('Ada', done)
    const all = Array.from({ length: 150_000 }, (_, index) => ({ ...one, id: `agent ${index}` }))
    follow({ agents: new Map(all.map((own) => [own.id, own])) }, stop, T0)
    expect(tally(stop)).toMatchObject({ total: 150_000, done: 150_000, startedAt: T0, endedAt: T0 + 4_000 })
  })

  it('keeps what has stopped, whatever comes later, and says who did not', () => {
    const stop = begin()
    const lost = member('Dora', ordered(), { runtime_connected: false, runtime_since: NOW })
    const first = fleet(
      member('Ada', done),
      member('Bob', ordered({ state: 'failed' })),
      member('Cy', ordered({ state: 'delivered' })),
      lost,
    )
    follow(first, stop, T0 + 40_000)
    expect(tally(stop)).toMatchObject({ total: 4, done: 1, startedAt: T0, endedAt: T0 + 4_000 })
    expect(isOver(tally(stop))).toBe(false)
    const last = fleet(
      member('Ada', resume, { status: 'idle' }),
      member('Bob', { ...terminate, state: 'done', acknowledged_at: at(61_000) }, { status: 'terminated' }),
      member('Cy', terminate, { status: 'terminated' }),
      lost,
    )
    follow(last, stop, T0 + 80_000)
    const found = tally(stop)
    expect(isOver(found)).toBe(false)
    const said = sayReceipt(stop, found, 'you')
    expect(said).toMatch(/^Pause sent by you at .* to 4 agents\. 1 stopped within 4\.0 s\. 2 did not: /)
    expect(said).toMatch(
      /Bob \(failed, then terminated at [^)]*\), Cy \(overdue, then terminate sent at [^)]*\)\./,
    )
    expect(said).toMatch(/1 without a runtime: Dora\.$/)
    follow(fleet(member('Cy', { ...terminate, state: 'done' }, { status: 'terminated' })), stop, T0)
    expect(isOver(tally(stop))).toBe(true)
  })
})

describe('a command that is not done', () => {
  const paused = (state: Control['state'], own = {}) =>
    agent({ status: 'paused', runtime_since: NOW, control: ordered({ state }), ...own })

  it.each([
    ['pending', true],
    ['delivered', true],
    ['failed', true],
    ['done', false],
  ] as const)('can be sent again while it is %s: %s', (state, may) => {
    expect(canRepeat(paused(state), 'pause')).toBe(may)
    expect(canTake(paused(state), 'pause')).toBe(false)
  })

  it('can be sent again only as it was, and to an agent that ever had a runtime', () => {
    expect(canRepeat(paused('failed'), 'resume')).toBe(false)
    expect(canRepeat(paused('failed'), 'terminate')).toBe(false)
    expect(canRepeat(paused('pending', { runtime_since: null }), 'pause')).toBe(false)
    // It was fetched over HTTP.
    expect(canRepeat(paused('delivered', { runtime_since: null }), 'pause')).toBe(true)
    expect(canRepeat(paused('failed', { control: null }), 'pause')).toBe(false)
    const resumed = agent({ runtime_since: NOW, control: ordered({ kind: 'resume', state: 'failed' }) })
    expect(canRepeat(resumed, 'resume')).toBe(false)
    const ended = { status: 'terminated', control: ordered({ kind: 'terminate', state: 'pending' }) }
    expect(possibleOrders(paused('pending', ended))).toEqual([{ action: 'terminate', isAgain: true }])
  })

  it('comes first among what an operator can do', () => {
    expect(possibleOrders(paused('delivered'))).toEqual([
      { action: 'pause', isAgain: true },
      { action: 'resume', isAgain: false },
      { action: 'terminate', isAgain: false },
    ])
  })

  it('keeps a terminated agent in the list while its runtime is connected', () => {
    const control = ordered({ kind: 'terminate', state: 'delivered' })
    const ended = { status: 'terminated', terminated_at: NOW, control, runtime_connected: true } as const
    const sort = { by: 'name', isDescending: false } as const
    const filter = {
      statuses: new Set<never>(),
      agent_type_id: undefined,
      parent_id: undefined,
      text: '',
      selector: [],
    }
    const shown = (own: Parameters<typeof anAgent>[0]) =>
      arrange([agent({ ...ended, ...own })], { filter, sort }, Date.parse(NOW) + 3_600_000).length
    expect(shown({})).toBe(1)
    expect(shown({ runtime_connected: false, runtime_since: NOW })).toBe(0)
    expect(shown({ control: { ...control, state: 'done' } })).toBe(0)
  })
})

describe('the descendants that an order reaches', () => {
  const withParent = (parent: string, own = {}) =>
    ({ status: 'paused', control: orderedBy('parent', parent, own), runtime_since: NOW }) as const
  const family = [
    agent({ id: 'root', status: 'paused', control: ordered({}), runtime_since: NOW }),
    agent({ id: 'with root', parent_id: 'root', ...withParent('root') }),
    agent({ id: 'below it', parent_id: 'with root', ...withParent('root', { state: 'done' }) }),
    agent({ id: 'by itself', parent_id: 'root', status: 'paused', control: ordered({}) }),
    agent({ id: 'with that', parent_id: 'by itself', ...withParent('by itself', { state: 'failed' }) }),
    agent({ id: 'at work', parent_id: 'with root', status: 'working' }),
    agent({ id: 'ended', parent_id: 'root', status: 'terminated' }),
  ]
  const trees = new Trees()
  for (const one of family) trees.add(one)
  const known = { agents: new Map(family.map((one) => [one.id, one])), trees }

  it.each([
    ['pause', false, ['root'], 1],
    ['pause', true, ['root'], 2],
    ['terminate', false, ['root'], 5],
    ['terminate', false, ['root', 'with root'], 4],
    ['resume', false, ['root'], 2],
    ['resume', false, ['root', 'by itself'], 3],
    ['resume', false, ['with root'], 0],
  ] as const)('are counted: %s, again %s, of %j', (action, isAgain, ids, count) => {
    expect(reachedBelow(known, { action, ids, isAgain })).toHaveLength(count)
  })
})

describe('a message that failed', () => {
  const runtime = { connected: true, since: '2026-11-29T09:00:00.000Z', capabilities: [], client: null }
  const told = (acknowledged_at: string, own: Partial<SignalDetails> = {}) =>
    ({ kind: 'message', outcome: 'failed', detail: 'No messages', acknowledged_at, ...own }) as SignalDetails
  const [earlier, later] = ['2026-11-29T08:00:00.000Z', '2026-11-29T10:00:00.000Z']

  it('warns of the next one, as long as the runtime is the same and it is the newest', () => {
    expect(refusalOf({ runtime }, [told(later)])).toBe('No messages')
    expect(refusalOf({ runtime }, [told(earlier)])).toBeUndefined()
    expect(refusalOf({ runtime }, [told(later, { outcome: 'done' }), told(later)])).toBeUndefined()
    expect(refusalOf({ runtime }, [told(later, { kind: 'pause' })])).toBeUndefined()
  })
})

describe('why an agent is as it is', () => {
  const words = { agent: (id: string) => `<${id}>`, actor: () => 'you' }
  const paused = (control: Control | null) => agent({ status: 'paused', parent_id: 'p', control })

  it.each([
    [orderedBy('order', null), 'by you'],
    [orderedBy('parent', 'p'), 'with its parent <p>, by you'],
    [orderedBy('parent', 'g', { requested_by: { kind: 'runtime', id: 'r' } }), 'with its ancestor <g>'],
    [orderedBy('hold', 'h'), 'by a hold, by you'],
    [orderedBy('budget', null, { requested_by: { kind: 'system', id: null } }), 'by its limit'],
    [orderedBy('budget', 'b', { requested_by: { kind: 'system', id: null } }), 'by a budget'],
    [orderedBy('runtime', null, { requested_by: { kind: 'runtime', id: 'r' } }), 'by the runtime itself'],
    [null, 'since it was spawned'],
  ])('is said in words: %#', (control, why) => {
    expect(sayWhyStopped(paused(control), words)).toBe(why)
  })

  it('is itself where its program has ended', () => {
    const control = orderedBy('runtime', null, { kind: 'terminate', state: 'done' })
    expect(sayWhyStopped(agent({ status: 'terminated', control }), words)).toBe('by itself')
  })

  it('is not said of a running agent', () => {
    const control = ordered({ kind: 'resume', mode: null, cause: { kind: 'timer', id: null } })
    expect(sayWhyStopped(agent({ status: 'idle', control }), words)).toBeUndefined()
  })

  const event = (name: EventFrame['name'], own: Partial<EventFrame>): EventFrame => ({
    type: 'event',
    project_id: 'l',
    seq: 1,
    epoch: 1,
    name,
    at: NOW,
    actor: aUser,
    agent: agent({}),
    ...own,
  })
  const changed = { from: 'working', to: 'paused' } as const
  const message = { id: 'm', payload: {}, mode: null, issued_at: NOW, attempt: 1, reason: null }

  it.each([
    [event('agent.spawned', { agent: agent({}) }), 'spawned, idle'],
    [
      event('agent.spawned', { agent: paused(orderedBy('parent', 'p')) }),
      'spawned, paused, with its parent <p>',
    ],
    [
      event('agent.status_changed', { ...changed, agent: paused(orderedBy('order', null)) }),
      'pause sent while working',
    ],
    [
      event('agent.status_changed', {
        ...changed,
        agent: paused(orderedBy('parent', 'p', { mode: 'interrupt' })),
      }),
      'pause sent while working (interrupt), with its parent <p>',
    ],
    [
      event('agent.status_changed', {
        from: 'paused',
        to: 'idle',
        agent: agent({ control: orderedBy('timer', null, { kind: 'resume', mode: null }) }),
      }),
      'resume sent, by its timer',
    ],
    // The command before it was something else.
    [
      event('agent.status_changed', {
        from: 'idle',
        to: 'working',
        agent: agent({ status: 'working', control: orderedBy('timer', null, { kind: 'resume' }) }),
      }),
      'idle → working',
    ],
    [
      event('agent.terminated', {
        from: 'working',
        to: 'terminated',
        agent: agent({
          status: 'terminated',
          control: orderedBy('runtime', null, { kind: 'terminate', mode: 'graceful', state: 'done' }),
        }),
      }),
      'working → ended',
    ],
    [event('agent.signal_sent', { signal: { ...message, kind: 'message' } }), 'message sent'],
    [
      event('agent.signal_sent', {
        signal: { ...message, kind: 'terminate', mode: 'now' },
        agent: agent({ status: 'terminated', control: ordered({ kind: 'terminate', mode: 'now' }) }),
      }),
      'terminate sent again (now)',
    ],
  ])('is in the events: %#', (one, said) => {
    expect(sayEvent(one, words)).toBe(said)
  })

  it('has the reason of a hold, and none of the server for the rest', () => {
    const signal = { ...message, kind: 'pause', reason: 'Budget Tea is used up' } as const
    const bySystem = { signal, actor: { kind: 'system', id: null } } as const
    const said = (control: Control, own = {}) =>
      reasonOf(event('agent.status_changed', { ...bySystem, ...own, agent: paused(control) }))
    expect(said(orderedBy('hold', 'h'))).toBe('Budget Tea is used up')
    expect(said(orderedBy('budget', 'b'))).toBe('Budget Tea is used up')
    expect(said(orderedBy('budget', null))).toBeUndefined()
    expect(said(orderedBy('order', null), { actor: aUser })).toBe('Budget Tea is used up')
    expect(reasonOf(event('agent.signal_sent', { signal }))).toBe('Budget Tea is used up')
    expect(reasonOf(event('agent.budget_exceeded', { signal, actor: aUser }))).toBeUndefined()
  })
})
