import { describe, expect, it } from 'vitest'
import { arrange } from '#src/dashboard/model/arrange.ts'
import { concernOf, findConcerns, sayConcern, sayKinds } from '#src/dashboard/model/attention.ts'
import { sayWhyStopped } from '#src/dashboard/model/causes.ts'
import { reasonOf, sayEvent } from '#src/dashboard/model/events.ts'
import { describeAnswer } from '#src/dashboard/model/orders.ts'
import { shownStatus } from '#src/dashboard/model/progress.ts'
import { canRepeat, canTake, possibleOrders, reachedBelow } from '#src/dashboard/model/reach.ts'
import { isOver, tally } from '#src/dashboard/model/stops.ts'
import { Trees } from '#src/dashboard/model/trees.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
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
    expect(describeAnswer('pause', [result], true)).toEqual({ kind: 'sent', text })
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

  it.each([
    ['delivered', true, 'pausing'],
    ['failed', true, 'pausing'],
    ['done', true, 'paused'],
    ['pending', false, 'paused'],
  ] as const)(
    'is not the status of an agent: its pause is %s, its runtime connected: %s',
    (state, connected, shown) => {
      const runtime = { connected, since: null, capabilities: [], client: null }
      expect(shownStatus({ status: 'paused', control: ordered({ state }), runtime })).toBe(shown)
    },
  )
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
  it('counts those it reached, also after they got another command', () => {
    const stop = {
      way: 'pause',
      before: new Map([['old', 's']]),
      reached: new Set<string>(),
      isOpen: true,
    } as const
    const agents = new Map(
      [
        agent({ id: 'old', status: 'paused', control: ordered() }),
        agent({ id: 'done', status: 'paused', control: ordered({ state: 'done', acknowledged_at: NOW }) }),
        agent({ id: 'failed', runtime_connected: true, control: ordered({ state: 'failed' }) }),
      ].map((one) => [one.id, one]),
    )
    const first = tally({ agents }, stop, Date.parse(NOW))
    expect(first).toMatchObject({ total: 2, done: 1, isolated: 0, changed: 0, requested_by: aUser })
    expect(first.stuck.map(({ id }) => id)).toEqual(['failed'])
    expect(isOver(first)).toBe(false)
    agents.set('failed', agent({ id: 'failed', control: ordered({ kind: 'resume', mode: null }) }))
    const last = tally({ agents }, stop, Date.parse(NOW))
    expect(last).toMatchObject({ total: 2, done: 1, changed: 1 })
    expect(isOver(last)).toBe(true)
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
    expect(shown({ runtime_connected: false })).toBe(0)
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
      'working → paused',
    ],
    [
      event('agent.status_changed', {
        ...changed,
        agent: paused(orderedBy('parent', 'p', { mode: 'interrupt' })),
      }),
      'working → paused (interrupt), with its parent <p>',
    ],
    [
      event('agent.status_changed', {
        from: 'paused',
        to: 'idle',
        agent: agent({ control: orderedBy('timer', null, { kind: 'resume', mode: null }) }),
      }),
      'resumed by timer',
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
          control: orderedBy('runtime', null, { kind: 'terminate', mode: 'graceful' }),
        }),
      }),
      'working → terminated, by the runtime itself',
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
