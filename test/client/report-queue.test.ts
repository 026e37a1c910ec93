import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Report, ReportQueue } from '#src/client/report-queue.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { parseMoney } from '#src/domain/money.ts'
import { decideReport } from '#src/domain/report.ts'
import { anAgent } from '../domain/an-agent.ts'

const context = { now: '2026-11-24T12:00:00.000Z', actor: { kind: 'runtime', id: null } } as const

const status = fc.constantFrom<AgentStatus>(...agentStatuses)
const cost = fc
  .integer({ min: 0, max: 99_999_999 })
  .map((units) => `${Math.floor(units / 10_000)}.${String(units % 10_000).padStart(4, '0')}`)
const usage = fc.record(
  { tasks_completed: fc.nat(9), tokens_used: fc.nat(100_000), cost_incurred: cost },
  { requiredKeys: [] },
)
const report: fc.Arbitrary<Report> = fc.record(
  {
    status,
    usage,
    current_task: fc.constantFrom(null, 'one', 'two'),
    session_id: fc.constantFrom(null, 's1', 's2'),
    short_term_memory: fc.record({ at: fc.nat(3) }),
  },
  { requiredKeys: [] },
)
/** What happens to a queue: a report, or the next step of one frame's way. */
const step = fc.oneof(
  { weight: 3, arbitrary: report.map((report) => ({ report })) },
  { weight: 1, arbitrary: fc.constant({ report: undefined }) },
)

/** The server's own rule, a report after the other. */
function apply(agent: AgentState, said: object & { n: number }): AgentState {
  const usage = 'usage' in said ? (said.usage as { cost_incurred?: string }) : undefined
  const cost_incurred = usage?.cost_incurred === undefined ? undefined : parseMoney(usage.cost_incurred)
  const decided = decideReport(
    agent,
    { ...said, ...(usage && { usage: { ...usage, cost_incurred } }) },
    context as never,
  )
  return decided.change?.agent ?? agent
}

const seen = ({
  status,
  current_task,
  session_id,
  short_term_memory,
  tasks_completed,
  tokens_used,
  cost_incurred,
}: AgentState) => ({
  status,
  current_task,
  session_id,
  short_term_memory,
  tasks_completed,
  tokens_used,
  cost_incurred,
})

describe('reports that are joined', () => {
  it('leave the agent as each by itself would, with every token and cent counted once', () => {
    fc.assert(
      fc.property(status, fc.array(step, { maxLength: 40, size: 'max' }), (start, steps) => {
        let [apart, joined] = [anAgent({ status: start }), anAgent({ status: start })]
        const queue = new ReportQueue<number>(start)
        let settled: number[] = []
        const send = () => {
          const frame = queue.take()
          if (!frame) return false
          // A retry after a lost answer: the number says that it was applied.
          joined = apply(apply(joined, frame), frame)
          settled = [...settled, ...queue.applied(joined.status)]
          return true
        }
        for (const [index, { report }] of steps.entries()) {
          if (report) {
            apart = apply(apart, { ...report, n: index + 1 })
            queue.add(report, index)
          } else send()
        }
        let frames = 0
        while (send()) frames++
        expect(frames).toBeLessThanOrEqual(6)
        expect(seen(joined)).toEqual(seen(apart))
        expect(settled).toEqual(steps.flatMap(({ report }, index) => (report ? [index] : [])))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are one frame for as many as come while one is under way', () => {
    const queue = new ReportQueue<string>('idle')
    queue.add({ status: 'working' }, 'a')
    expect(queue.take()).toEqual({ n: 1, status: 'working' })
    for (let count = 0; count < 1_000; count++) {
      queue.add({ usage: { tokens_used: 3, cost_incurred: '0.0001' } }, `b${count}`)
    }
    queue.applied('working')
    const usage = { tasks_completed: 0, tokens_used: 3_000, cost_incurred: '0.1000' }
    expect(queue.take()).toEqual({ n: 2, usage })
    expect(queue.applied('working')).toHaveLength(1_000)
    expect(queue.isEmpty).toBe(true)
  })
})

/**
 * What happens to two runtimes of one agent, of which the newest to attach may speak. An answer may be lost, also that of a
 * refusal. What has not come to the server is sent again before the other attaches: later, nobody could tell whether it came.
 */
const turn = fc.oneof(
  fc.record({ reports: fc.record({ usage }), by: fc.nat(1) }),
  fc.record({ reports: fc.record({ usage, session_id: fc.constant('too long') }), by: fc.nat(1) }),
  fc.record({ attaches: fc.nat(1) }),
  fc.record({ sent: fc.constantFrom('answered', 'unanswered', 'again') }),
)

describe('reports of runtimes that take an agent over from each other', () => {
  it('count every token and cent once, and each is answered', () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 60, size: 'max' }), (turns) => {
        let [apart, agent] = [anAgent({ status: 'working' }), anAgent({ status: 'working' })]
        const queues = [new ReportQueue<number>('working'), new ReportQueue<number>('working')]
        const settled: number[] = []
        let speaker: ReportQueue<number> | undefined
        const attach = (queue = speaker) => {
          queue?.resume(agent.last_report, agent.status)
          speaker = queue
        }
        const send = (sent: string) => {
          const frame = speaker?.take()
          if (!speaker || !frame) return false
          if (sent === 'again') {
            attach()
            expect(speaker.take()).toEqual(frame)
          }
          const isRefused = frame.session_id === 'too long'
          if (!isRefused) agent = apply(agent, frame)
          if (sent === 'unanswered') speaker = undefined
          else settled.push(...(isRefused ? speaker.refused(false) : speaker.applied(agent.status)))
          return true
        }
        for (const [index, turn] of turns.entries()) {
          if ('attaches' in turn) attach(queues[turn.attaches])
          else if ('sent' in turn) send(turn.sent)
          else {
            const alone = { n: index + 1, usage: turn.reports.usage }
            apart = apply(apart, alone)
            queues[turn.by]?.add(turn.reports, index)
          }
        }
        for (const queue of queues) {
          attach(queue)
          while (send('answered')) {}
        }
        expect(seen(agent)).toEqual(seen(apart))
        const said = turns.flatMap((turn, index) => ('reports' in turn ? [index] : []))
        expect(settled.sort((left, right) => left - right)).toEqual(said)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a report', () => {
  it('keeps its number until it is applied, and is sent as it was', () => {
    const queue = new ReportQueue<string>('idle')
    queue.resume(7, 'idle')
    queue.add({ usage: { tokens_used: 1 } }, 'a')
    const first = queue.take()
    queue.add({ usage: { tokens_used: 2 } }, 'b')
    queue.resume(8, 'idle')
    expect(queue.take()).toEqual(first)
    expect(queue.applied('idle')).toEqual(['a'])
    expect(queue.take()).toMatchObject({ n: 9, usage: { tokens_used: 2 } })
  })

  it('that is refused for a field loses that field, and no usage', () => {
    const queue = new ReportQueue<string>('idle')
    queue.add({ session_id: 'too long', usage: { tokens_used: 5 } }, 'a')
    expect(queue.take()).toMatchObject({ n: 1, session_id: 'too long' })
    expect(queue.refused(false)).toEqual(['a'])
    const usage = { tasks_completed: 0, tokens_used: 5, cost_incurred: '0.0000' }
    expect(queue.take()).toEqual({ n: 2, usage })
    expect(queue.refused(true)).toEqual([])
    expect(queue.isEmpty).toBe(true)
  })

  it('that is refused after another runtime has gone on reporting gives its usage a number above theirs', () => {
    const queue = new ReportQueue<string>('idle')
    queue.resume(5, 'idle')
    queue.add({ session_id: 'too long', usage: { tokens_used: 5 } }, 'a')
    expect(queue.take()).toMatchObject({ n: 6 })
    // Its answer was lost with the connection.
    queue.resume(9, 'idle')
    expect(queue.take()).toMatchObject({ n: 6 })
    expect(queue.refused(false)).toEqual(['a'])
    expect(queue.take()).toMatchObject({ n: 10, usage: { tokens_used: 5 } })
  })

  it('of usage that cannot be is refused before it is joined with others', () => {
    const queue = new ReportQueue<string>('idle')
    const wrong = [
      { tokens_used: -1 },
      { tokens_used: 0.5 },
      { cost_incurred: -0.1 },
      { cost_incurred: Number.NaN },
      { cost_incurred: 1e10 },
      { cost_incurred: '1e3' },
    ]
    for (const usage of wrong) expect(() => queue.add({ usage }, '')).toThrow(RangeError)
    expect(queue.isEmpty).toBe(true)
  })
})

describe('cost', () => {
  const units = (amount: string, places: number) => {
    const [whole = '', fraction = ''] = amount.split('.')
    return BigInt(whole + fraction.padEnd(places, '0'))
  }
  const amount = fc
    .tuple(fc.nat(1_000), fc.bigInt({ min: 0n, max: 999_999_999_999n }))
    .map(([whole, fraction]) => `${whole}.${String(fraction).padStart(12, '0')}`)

  it('finer than the server counts adds up to the last ten-thousandth', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 50, size: 'max' }), (amounts) => {
        const queue = new ReportQueue<undefined>('working')
        let sent = 0n
        for (const cost_incurred of amounts) {
          queue.add({ usage: { cost_incurred } }, undefined)
          sent += units(queue.take()?.usage?.cost_incurred ?? '', 4)
          queue.applied('working')
        }
        const used = amounts.reduce((sum, cost) => sum + units(cost, 12), 0n)
        expect(sent).toBe(used / 100_000_000n)
      }),
    )
  })

  it('given as a number is the decimal that it stands for', () => {
    const queue = new ReportQueue<undefined>('working')
    for (let count = 0; count < 10; count++) queue.add({ usage: { cost_incurred: 0.1 + 0.2 } }, undefined)
    for (let count = 0; count < 30; count++) queue.add({ usage: { cost_incurred: 1.5e-7 } }, undefined)
    queue.add({ usage: { cost_incurred: 0.0000955 } }, undefined)
    expect(queue.take()?.usage?.cost_incurred).toBe('3.0001')
  })
})

describe('a report after a restored backup', () => {
  it('has a number above those that were used, whether the server knows of them or not', () => {
    const queue = new ReportQueue<undefined>('idle')
    queue.resume(7, 'idle')
    queue.add({ current_task: 'one' }, undefined)
    expect(queue.take()?.n).toBe(8)
    queue.applied('idle')
    queue.add({ current_task: 'under way' }, undefined)
    expect(queue.take()?.n).toBe(9)
    // The server was set back. What is under way goes out again, with its number.
    queue.resume(3, 'working')
    expect(queue.take()).toMatchObject({ n: 9, current_task: 'under way' })
    queue.applied('working')
    queue.add({ current_task: 'next' }, undefined)
    expect(queue.take()?.n).toBe(10)
  })
})
