import { describe, expect, it } from 'vitest'
import type { AgentState } from '#src/domain/agent.ts'
import { decideReport, type Report } from '#src/domain/report.ts'
import type { Used } from '#src/domain/usage.ts'
import { anAgent, context, LATER, NOW } from './an-agent.ts'

const runtime = { ...context, actor: { kind: 'runtime', id: anAgent().id } as const }
const report = (own: Partial<AgentState>, said: Omit<Report, 'n'>) =>
  decideReport(anAgent(own), { n: 1, ...said }, runtime)
const used = (own: Partial<Used>): Used => ({
  model: '',
  provider: '',
  tasks_completed: 0,
  tokens_used: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  reasoning_output_tokens: 0,
  cost_incurred: '0.0000',
  ...own,
})
const tooMuch = (field: string) =>
  expect.objectContaining({ kind: 'invalid', problems: [{ message: expect.any(String), field }] })

describe('a report', () => {
  it('adds its usage, sets its fields, and is one event without a signal', () => {
    const before = { tasks_completed: 1, tokens_used: 10, cost_incurred: '0.1000', last_report: 3 }
    const said = {
      n: 7,
      current_task: 'drive',
      session_id: 's',
      short_term_memory: { a: [1] },
      usage: { tasks_completed: 1, tokens_used: 5, cost_incurred: '0.2000' },
    }
    const { duplicate, status_rejected, change } = decideReport(anAgent(before), said, runtime)
    expect({ duplicate, status_rejected }).toEqual({ duplicate: false, status_rejected: undefined })
    expect(change).toEqual({
      agent: anAgent({
        tasks_completed: 2,
        tokens_used: 15,
        cost_incurred: '0.3000',
        current_task: 'drive',
        session_id: 's',
        short_term_memory: { a: [1] },
        last_report: 7,
        last_activity_at: LATER,
      }),
      event: { name: 'agent.updated' },
      used: [used({ tasks_completed: 1, tokens_used: 5, cost_incurred: '0.2000' })],
    })
  })

  it('clears fields that are null, and leaves absent fields alone', () => {
    const before = { current_task: 'drive', session_id: 's', short_term_memory: { a: 1 } }
    expect(report(before, { current_task: null }).change?.agent).toMatchObject({
      ...before,
      current_task: null,
    })
    expect(report(before, { session_id: null }).change?.agent).toMatchObject({ ...before, session_id: null })
    expect(report(before, {}).change?.agent).toMatchObject(before)
  })

  it('of an equal memory keeps the old one, so that it is not written again', () => {
    const short_term_memory = { a: [1, { b: null }], c: 2 }
    const same = { c: 2, a: [1, { b: null }] }
    expect(report({ short_term_memory }, { short_term_memory: same }).change?.agent.short_term_memory).toBe(
      short_term_memory,
    )
  })

  it.each([
    ['idle', 'working'],
    ['working', 'waiting'],
    ['waiting', 'idle'],
  ] as const)('moves from %s to %s, and there is nothing to tell the runtime', (from, to) => {
    const { status_rejected, change } = report({ status: from }, { status: to })
    expect(status_rejected).toBeUndefined()
    expect(change?.event).toEqual({ name: 'agent.status_changed', from, to })
    expect(change?.agent).toMatchObject({ status: to, control: null, last_activity_at: LATER })
    expect(change?.issued).toBeUndefined()
  })

  it('of the present status changes no status and rejects nothing', () => {
    for (const status of ['idle', 'paused', 'terminated'] as const) {
      const { status_rejected, change } = report({ status }, { status })
      expect(status_rejected).toBeUndefined()
      expect(change?.event?.from).toBeUndefined()
    }
  })

  it.each([
    ['idle', 'waiting'],
    ['paused', 'working'],
    ['paused', 'waiting'],
    ['paused', 'idle'],
  ] as const)('from %s to %s is rejected, and the rest of it is applied', (from, to) => {
    const { status_rejected, change } = report(
      { status: from },
      { status: to, current_task: 'x', usage: { tokens_used: 4 } },
    )
    expect(status_rejected).toBe(`Cannot transition from ${from} to ${to}`)
    expect(change?.event).toEqual({ name: 'agent.updated' })
    expect(change?.agent).toMatchObject({ status: from, current_task: 'x', tokens_used: 4, last_report: 1 })
  })

  it.each([
    ['paused', 'pause'],
    ['terminated', 'terminate'],
  ] as const)('by which a runtime makes itself %s is done already', (to, kind) => {
    const { change } = report({ status: 'working', session_id: 's' }, { status: to })
    expect(change?.agent).toMatchObject({
      status: to,
      session_id: to === 'terminated' ? null : 's',
      terminated_at: to === 'terminated' ? LATER : null,
      control: {
        signal_id: runtime.signal_id,
        kind,
        state: 'done',
        requested_by: runtime.actor,
        acknowledged_at: LATER,
        resume_at: null,
      },
    })
    expect(change?.event).not.toHaveProperty('signal')
    expect(change?.issued).toMatchObject({
      kind,
      outcome: 'done',
      acknowledged_at: LATER,
      delivered_at: LATER,
    })
  })

  it('that ends the agent keeps what it says itself of the current task', () => {
    const working = { status: 'working', current_task: 'page 7' } as const
    const { change } = report(working, { status: 'terminated', current_task: 'exit code 3' })
    expect(change?.agent).toMatchObject({ status: 'terminated', current_task: 'exit code 3' })
    expect(report(working, { status: 'terminated' }).change?.agent.current_task).toBeNull()
  })

  it('may end a paused agent, which ends its timer too', () => {
    const { change } = report({ status: 'paused', resume_at: LATER }, { status: 'terminated' })
    expect(change?.event).toMatchObject({ name: 'agent.terminated', from: 'paused', to: 'terminated' })
    expect(change?.agent).toMatchObject({ status: 'terminated', resume_at: null })
  })
})

describe('a report of a terminated agent', () => {
  const ended = { status: 'terminated', terminated_at: NOW, last_activity_at: NOW } as const

  it('adds the last usage, and nothing else', () => {
    const { status_rejected, change } = report(ended, {
      status: 'working',
      current_task: 'x',
      usage: { tokens_used: 4 },
    })
    expect(status_rejected).toBe('Cannot transition from terminated to working')
    expect(change).toEqual({
      agent: anAgent({ ...ended, tokens_used: 4, last_report: 1 }),
      event: { name: 'agent.updated' },
      used: [used({ tokens_used: 4 })],
    })
  })

  it.each([{ tokens_used: 1 }, { tasks_completed: 1 }, { cost_incurred: '0.0001' }])(
    'with nothing but usage is an event: %j',
    (usage) => {
      const { status_rejected, change } = report(ended, { usage })
      expect(status_rejected).toBeUndefined()
      expect(change?.event).toEqual({ name: 'agent.updated' })
      expect(change?.agent).toMatchObject({ ...ended, ...usage })
    },
  )

  it('rejects fields, and says nothing where there are none', () => {
    for (const field of [{ current_task: null }, { session_id: 's' }, { short_term_memory: {} }]) {
      expect(report(ended, field).status_rejected).toBe('Agent is terminated')
      expect(report(ended, { ...field, status: 'terminated' }).status_rejected).toBe('Agent is terminated')
    }
    expect(report(ended, { status: 'terminated', usage: { tokens_used: 1 } }).status_rejected).toBeUndefined()
  })

  it('without usage is no event, and its number is used up', () => {
    for (const usage of [undefined, {}, { tokens_used: 0, cost_incurred: '0.0000' }]) {
      const { duplicate, change } = report(ended, { usage })
      expect(duplicate).toBe(false)
      expect(change).toEqual({ agent: anAgent({ ...ended, last_report: 1 }) })
    }
  })

  it('takes it over its limit without a pause', () => {
    const { change } = report({ ...ended, token_limit: 5 }, { usage: { tokens_used: 9 } })
    expect(change?.event).toEqual({ name: 'agent.updated' })
    expect(change?.agent).toMatchObject({ status: 'terminated', tokens_used: 9 })
  })
})

describe('a report of several models', () => {
  const large = { model: 'large', provider: 'acme' }

  it('adds all of them to the agent, and says what each used, without what used nothing', () => {
    const usage = [
      { ...large, input_tokens: 30, output_tokens: 12, cost_incurred: '0.0100' },
      { model: 'small', tokens_used: 5, input_tokens: 4, reasoning_output_tokens: 1 },
      { model: 'idle' },
      { tasks_completed: 1, cache_read_input_tokens: 7, cache_creation_input_tokens: 2 },
    ]
    const { change } = report({ tokens_used: 1 }, { usage })
    expect(change?.agent).toMatchObject({ tasks_completed: 1, tokens_used: 48, cost_incurred: '0.0100' })
    expect(change?.used).toEqual([
      used({ ...large, tokens_used: 42, input_tokens: 30, output_tokens: 12, cost_incurred: '0.0100' }),
      used({ model: 'small', tokens_used: 5, input_tokens: 4, reasoning_output_tokens: 1 }),
      used({ tasks_completed: 1, cache_read_input_tokens: 7, cache_creation_input_tokens: 2 }),
    ])
  })

  it('without tokens_used counts input and output; with it, even 0, only that', () => {
    expect(report({}, { usage: { input_tokens: 3 } }).change?.agent.tokens_used).toBe(3)
    expect(report({}, { usage: { output_tokens: 4 } }).change?.agent.tokens_used).toBe(4)
    const { change } = report({}, { usage: { tokens_used: 0, output_tokens: 4 } })
    expect(change?.agent.tokens_used).toBe(0)
    expect(change?.used).toEqual([used({ output_tokens: 4 })])
  })

  it('says its usage, too, where it takes the agent to a limit or is refused a status', () => {
    const usage = [{ ...large, tokens_used: 2 }]
    const paused = report({ status: 'working', token_limit: 2 }, { usage }).change
    expect(paused).toMatchObject({ event: { name: 'agent.budget_exceeded' }, used: [used(usage[0] ?? {})] })
    const rejected = report({ status: 'paused' }, { status: 'working', usage })
    expect(rejected.change?.used).toEqual([used(usage[0] ?? {})])
  })

  it.each([
    ['usage.1.tokens_used', [{ tokens_used: Number.MAX_SAFE_INTEGER }, { tokens_used: 1 }]],
    ['usage.0.tokens_used', [{ input_tokens: Number.MAX_SAFE_INTEGER, output_tokens: 1 }]],
    ['usage.1.cost_incurred', [{}, { cost_incurred: '9999999999.9999' }]],
    ['usage.2.tasks_completed', [{}, {}, { tasks_completed: Number.MAX_SAFE_INTEGER }]],
  ])('is refused as a whole where the sum cannot be counted: %s', (field, usage) => {
    const own = { tasks_completed: 1, cost_incurred: '0.0001' }
    expect(() => report(own, { usage })).toThrow(tooMuch(field))
  })
})

describe('a report that takes an agent to its limit', () => {
  it.each([
    ['token_limit', { token_limit: 10, tokens_used: 6 }, { tokens_used: 4 }],
    ['cost_limit', { cost_limit: '1.0000', cost_incurred: '0.9999' }, { cost_incurred: '0.0001' }],
  ] as const)('%s pauses it in the same event, from where it stood before', (_, own, usage) => {
    for (const status of [undefined, 'working', 'waiting'] as const) {
      const { change } = report(own, { status, usage })
      expect(change?.event).toMatchObject({
        name: 'agent.budget_exceeded',
        from: 'idle',
        to: 'paused',
        signal: { kind: 'pause', reason: 'budget' },
      })
      expect(change?.agent).toMatchObject({
        status: 'paused',
        control: { state: 'pending', reason: 'budget', requested_by: { kind: 'system', id: null } },
      })
      expect(change?.issued).toMatchObject({ kind: 'pause', reason: 'budget', outcome: null })
    }
  })

  it('one ten-thousandth, or one token, below leaves it alone', () => {
    const own = { token_limit: 10, cost_limit: '1.0000' }
    const { change } = report(own, { status: 'working', usage: { tokens_used: 9, cost_incurred: '0.9999' } })
    expect(change?.event).toMatchObject({ name: 'agent.status_changed', to: 'working' })
  })

  it('makes one event for a paused agent and keeps its timer; an agent that ends itself is ended', () => {
    const own = { token_limit: 5, resume_at: LATER, status: 'paused' } as const
    const usage = { tokens_used: 5 }
    const { change } = report(own, { usage })
    expect(change?.event).toMatchObject({ name: 'agent.budget_exceeded' })
    const control = { kind: 'pause', reason: 'budget', resume_at: LATER }
    expect(change?.agent).toMatchObject({ status: 'paused', resume_at: LATER, control })
    const again = decideReport(anAgent(change?.agent), { n: 2, usage }, runtime)
    expect(again.change?.event).toEqual({ name: 'agent.updated' })
    expect(report({ token_limit: 5 }, { usage, status: 'terminated' }).change?.event).toMatchObject({
      name: 'agent.terminated',
      from: 'idle',
    })
  })
})

describe('a report whose sum cannot be counted', () => {
  it.each([
    ['usage.tokens_used', { tokens_used: Number.MAX_SAFE_INTEGER }, { tokens_used: 1 }],
    ['usage.tasks_completed', { tasks_completed: Number.MAX_SAFE_INTEGER }, { tasks_completed: 1 }],
    ['usage.cost_incurred', { cost_incurred: '9999999999.9999' }, { cost_incurred: '0.0001' }],
  ])('is refused, and names %s', (field, own, usage) => {
    expect(() => report(own, { usage })).toThrow(tooMuch(field))
    expect(() => report({ ...own, status: 'terminated' }, { usage })).toThrow(tooMuch(field))
    expect(report(own, {}).change?.agent).toMatchObject(own)
  })
})

describe('a report that was refused', () => {
  const usage = { tokens_used: 1 }
  /** 5 and 6 were refused before 8 was applied on the same link; 7 was never said. */
  const missing = (own: Partial<AgentState> = {}) => {
    const before = anAgent({ last_report: 4, current_task: 'old', ...own })
    const said = { n: 8, current_task: 'new', usage }
    return decideReport(before, said, runtime, [
      [5, 6],
      [8, 9],
    ]).change?.agent as AgentState
  }

  it('may come after later ones: its usage counts once, and the later ones keep their fields', () => {
    const agent = missing()
    expect(agent).toMatchObject({ last_report: 8, missed_reports: [[5, 6]], tokens_used: 1 })
    const late = { n: 5, status: 'working', current_task: 'older', usage } as const
    const { duplicate, status_rejected, change } = decideReport(agent, late, runtime)
    expect({ duplicate, status_rejected }).toEqual({
      duplicate: false,
      status_rejected: 'A later report has already been applied',
    })
    expect(change?.event).toEqual({ name: 'agent.updated' })
    const expected = { status: 'idle', current_task: 'new', tokens_used: 2, last_report: 8 }
    expect(change?.agent).toMatchObject({ ...expected, missed_reports: [[6, 6]] })
    expect(decideReport(anAgent(change?.agent), late, runtime).duplicate).toBe(true)
  })

  it('with nothing but usage is not rejected in anything, and takes an agent to its limit', () => {
    const { status_rejected, change } = decideReport(missing({ token_limit: 2 }), { n: 6, usage }, runtime)
    expect(status_rejected).toBeUndefined()
    expect(change?.event).toMatchObject({ name: 'agent.budget_exceeded', to: 'paused' })
  })

  it('counts for a terminated agent, too', () => {
    const { change } = decideReport(missing({ status: 'terminated' }), { n: 6, usage }, runtime)
    expect(change?.agent).toMatchObject({ status: 'terminated', tokens_used: 2, missed_reports: [[5, 5]] })
  })

  it('differs from a skipped one: a lower number that was never sent is used up', () => {
    expect(decideReport(missing(), { n: 7, usage }, runtime).duplicate).toBe(true)
    expect(decideReport(missing(), { n: 4, usage }, runtime).duplicate).toBe(true)
  })
})
