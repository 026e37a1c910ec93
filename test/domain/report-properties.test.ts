import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ActionName, actionNames } from '#src/domain/actions.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import { SignalboxError } from '#src/domain/errors.ts'
import { agentStatuses, canTransition } from '#src/domain/lifecycle.ts'
import { decideAction, decideTimedResume } from '#src/domain/orders.ts'
import { decideReport, type Report } from '#src/domain/report.ts'
import { addNumber, between, MAX_RANGES, type NumberRanges } from '#src/domain/report-numbers.ts'
import { type AgentPatch, decideUpdate } from '#src/domain/update.ts'
import { anAgent, context, LATER, NOW } from './an-agent.ts'

/** Whole ten-thousandths, and how money shows them: an oracle that shares nothing with the code under test. */
const format = (units: number): string => {
  const digits = String(units).padStart(5, '0')
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`
}
const units = fc.nat(20_000)
const usage = fc.record(
  { tasks_completed: fc.nat(3), tokens_used: fc.nat(12), cost_incurred: units.map(format) },
  { requiredKeys: [] },
)
const said = fc.record(
  {
    status: fc.constantFrom(...agentStatuses),
    current_task: fc.option(fc.string()),
    session_id: fc.option(fc.string()),
    short_term_memory: fc.dictionary(fc.string(), fc.jsonValue()),
    usage,
  },
  { requiredKeys: [] },
)
const anyAgent = fc
  .record({
    status: fc.constantFrom(...agentStatuses),
    token_limit: fc.option(fc.nat(40)),
    tokens_used: fc.nat(40),
    cost_limit: fc.option(units.map(format)),
    cost_incurred: units.map(format),
    resume_at: fc.option(fc.constant(LATER)),
    last_report: fc.nat(10),
  })
  .map((own) => anAgent({ ...own, terminated_at: own.status === 'terminated' ? NOW : null }))

const applied = (agent: AgentState, report: Report): AgentState =>
  decideReport(agent, report, context).change?.agent ?? agent

describe('the usage of any reports', () => {
  it('adds up exactly: ten thousand times 0.0001 is 1.0000', () => {
    let agent = anAgent()
    for (let n = 1; n <= 10_000; n++) {
      agent = applied(agent, { n, usage: { cost_incurred: '0.0001', tokens_used: 1, tasks_completed: 1 } })
    }
    expect(agent).toMatchObject({ cost_incurred: '1.0000', tokens_used: 10_000, tasks_completed: 10_000 })
  })

  it('adds up exactly, for any other fields and any end of the agent', () => {
    const report = fc.record({ said, cost: units, tokens: fc.nat(12) })
    fc.assert(
      fc.property(anyAgent, fc.array(report, { maxLength: 40, size: 'max' }), (start, reports) => {
        let agent = start
        reports.forEach(({ said, cost, tokens }, index) => {
          const usage = { cost_incurred: format(cost), tokens_used: tokens }
          agent = applied(agent, { ...said, n: start.last_report + 1 + index, usage })
        })
        const sum = (values: number[]) => values.reduce((left, right) => left + right, 0)
        const before = Number(start.cost_incurred.replace('.', ''))
        expect(agent.cost_incurred).toBe(format(before + sum(reports.map(({ cost }) => cost))))
        expect(agent.tokens_used).toBe(start.tokens_used + sum(reports.map(({ tokens }) => tokens)))
      }),
    )
  })

  it('counts once for each number, for any refusals and any order of retries', () => {
    const attempt = fc.record({ n: fc.integer({ min: 1, max: 40 }), isRefused: fc.boolean() })
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 80, size: 'max' }), (attempts) => {
        let agent = anAgent()
        let said: NumberRanges = []
        const [applied, everSaid] = [new Set<number>(), new Set<number>()]
        for (const { n, isRefused } of attempts) {
          const isSkipped = n < agent.last_report && !everSaid.has(n)
          if (isSkipped) continue
          everSaid.add(n)
          said = addNumber(said, n)
          if (isRefused) continue
          const { duplicate, change } = decideReport(agent, { n, usage: { tokens_used: 1 } }, context, said)
          expect(duplicate).toBe(applied.has(n))
          applied.add(n)
          agent = change?.agent ?? agent
          said = between(said, agent.last_report, Number.POSITIVE_INFINITY)
          expect(agent.tokens_used).toBe(applied.size)
        }
      }),
    )
  })

  it('forgets the oldest of too many gaps, so that no usage counts twice', () => {
    let agent = anAgent()
    for (let n = 2; n <= 200; n += 2) {
      const usage = { tokens_used: 1 }
      agent = decideReport(agent, { n, usage }, context, [[n - 1, n]]).change?.agent ?? agent
    }
    expect(agent.missed_reports).toHaveLength(MAX_RANGES)
    for (let n = 1; n <= 200; n++) agent = applied(agent, { n, usage: { tokens_used: 1 } })
    expect(agent.tokens_used).toBe(100 + MAX_RANGES)
  })

  it('counts once for each number, in any order and with any repeats', () => {
    const numbered = fc.record({ n: fc.integer({ min: 1, max: 12 }), tokens_used: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(numbered, { maxLength: 40, size: 'max' }), (reports) => {
        let agent = anAgent()
        let [highest, counted] = [0, 0]
        for (const { n, tokens_used } of reports) {
          const { duplicate } = decideReport(agent, { n, usage: { tokens_used } }, context)
          expect(duplicate).toBe(n <= highest)
          agent = applied(agent, { n, usage: { tokens_used } })
          if (duplicate) continue
          highest = n
          counted += tokens_used
        }
        expect(agent).toMatchObject({ last_report: highest, tokens_used: counted })
      }),
    )
  })
})

describe('any report', () => {
  it('whose number has been applied changes nothing', () => {
    fc.assert(
      fc.property(anyAgent, said, fc.nat(), (agent, said, back) => {
        const n = agent.last_report - (back % (agent.last_report + 1))
        expect(decideReport(agent, { ...said, n }, context)).toEqual({
          duplicate: true,
          status_rejected: undefined,
        })
      }),
    )
  })

  it('leaves a paused agent paused unless it terminates it', () => {
    fc.assert(
      fc.property(anyAgent, said, (agent, said) => {
        const paused = { ...agent, status: 'paused', terminated_at: null } as const
        const { change, status_rejected } = decideReport(paused, { ...said, n: 11 }, context)
        if (said.status === 'terminated') {
          expect(change?.agent.status).toBe('terminated')
          return
        }
        expect(change?.agent).toMatchObject({ status: 'paused', resume_at: agent.resume_at })
        // Its runtime is only asked to stop where it never was, and now must.
        expect(change?.issued !== undefined).toBe(change?.event?.name === 'agent.budget_exceeded')
        expect(change?.agent.control ?? null).toEqual(
          change?.issued ? expect.objectContaining({ kind: 'pause', reason: 'budget' }) : null,
        )
        const asked = said.status !== undefined && said.status !== 'paused'
        expect(status_rejected).toBe(asked ? `Cannot transition from paused to ${said.status}` : undefined)
      }),
    )
  })

  it('changes only the usage of a terminated agent', () => {
    fc.assert(
      fc.property(anyAgent, said, (agent, said) => {
        const ended = { ...agent, status: 'terminated', terminated_at: NOW } as const
        const { tasks_completed, tokens_used, cost_incurred } = applied(ended, { ...said, n: 11 })
        const counters = { tasks_completed, tokens_used, cost_incurred }
        expect(applied(ended, { ...said, n: 11 })).toEqual({ ...ended, ...counters, last_report: 11 })
      }),
    )
  })

  it('never leaves an agent at work that has reached a limit', () => {
    fc.assert(
      fc.property(anyAgent, said, (agent, said) => {
        const { status, token_limit, tokens_used } = applied(agent, { ...said, n: 11 })
        const isOver = token_limit !== null && tokens_used >= token_limit
        if (isOver) expect(['paused', 'terminated']).toContain(status)
      }),
    )
  })
})

describe('any sequence of reports, actions, updates and timers', () => {
  type Step = { report: Omit<Report, 'n'> } | { action: ActionName } | { patch: AgentPatch } | { wait: true }
  const patch = fc.record(
    { status: fc.constantFrom(...agentStatuses), token_limit: fc.option(fc.nat(60)) },
    { requiredKeys: [] },
  )
  const step: fc.Arbitrary<Step> = fc.oneof(
    said.map((report) => ({ report })),
    fc.constantFrom(...actionNames).map((action) => ({ action })),
    patch.map((patch) => ({ patch })),
    fc.constant({ wait: true } as const),
  )

  function take(agent: AgentState, step: Step, [n, context]: [number, DecisionContext]) {
    if ('report' in step) return decideReport(agent, { ...step.report, n }, context).change
    if ('patch' in step) return decideUpdate(agent, step.patch, context)
    if ('wait' in step) return decideTimedResume(agent, context)
    const resume_at = step.action === 'pause' && n % 2 === 0 ? context.now : null
    return decideAction(agent, { ...step, reason: null, resume_at }, context)
  }

  it('takes only legal steps, which their events tell, and keeps what follows from the status', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        let agent = anAgent({ token_limit: 30 })
        for (const [index, one] of steps.entries()) {
          const before = agent
          let change: Change | undefined
          try {
            change = take(agent, one, [index + 1, { ...context, signal_id: `signal ${index}` }])
          } catch (error) {
            if (!(error instanceof SignalboxError)) throw error
          }
          agent = change?.agent ?? agent
          if (agent.status !== before.status) {
            expect(canTransition(before.status, agent.status)).toBe(true)
            expect(change?.event).toMatchObject({ from: before.status, to: agent.status })
          } else expect(change?.event?.from).toBeUndefined()
          expect(agent.status === 'terminated').toBe(agent.terminated_at !== null)
          // A timer belongs to a pause, and shows in its control.
          if (agent.resume_at !== null) expect(agent).toMatchObject({ status: 'paused' })
          expect(agent.control?.resume_at ?? null).toBe(agent.resume_at)
          if (change?.issued) expect(change.issued.id).toBe(agent.control?.signal_id)
        }
      }),
    )
  })
})
