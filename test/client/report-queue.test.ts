import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Report, ReportQueue } from '#src/client/agent/report-queue.ts'
import type { Usage } from '#src/client/agent/usage.ts'
import type { AgentState } from '#src/domain/agent.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { parseMoney } from '#src/domain/money.ts'
import { decideReport } from '#src/domain/report.ts'
import { addUsed, type Used } from '#src/domain/usage.ts'
import { anAgent } from '../domain/an-agent.ts'

const context = { now: '2026-11-24T12:00:00.000Z', actor: { kind: 'runtime', id: null } } as const

const status = fc.constantFrom<AgentStatus>(...agentStatuses)
const cost = fc
  .integer({ min: 0, max: 99_999_999 })
  .map((units) => `${Math.floor(units / 10_000)}.${String(units % 10_000).padStart(4, '0')}`)
const usageOfOne = fc.record(
  {
    tasks_completed: fc.nat(9),
    tokens_used: fc.nat(100_000),
    cost_incurred: cost,
    input_tokens: fc.nat(100_000),
    output_tokens: fc.nat(100_000),
    reasoning_output_tokens: fc.nat(9),
    model: fc.constantFrom('', 'large', 'small'),
    provider: fc.constantFrom('', 'acme'),
  },
  { requiredKeys: [] },
)
const usage = fc.oneof(usageOfOne, fc.array(usageOfOne, { maxLength: 4 }))
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

/** The costs of the next frame, model by model. */
const costOf = (queue: ReportQueue<unknown>): string =>
  [queue.take()?.usage ?? []]
    .flat()
    .map((one) => one.cost_incurred)
    .join()

type Sums = Map<string, Used>

/** The server's own rule, a report after the other. `sums` gets what it records of each model. */
function apply(agent: AgentState, said: object & { n: number }, sums: Sums = new Map()): AgentState {
  const usages = 'usage' in said ? ([said.usage ?? []].flat() as Usage[]) : []
  const usage = usages.map(({ cost_incurred = 0, ...own }) => ({
    ...own,
    cost_incurred: parseMoney(cost_incurred),
  }))
  const { change } = decideReport(agent, { ...said, usage }, context as never)
  for (const used of change?.used ?? []) {
    const key = `${used.model} of ${used.provider}`
    const before = sums.get(key)
    sums.set(key, before ? addUsed(before, used) : used)
  }
  return change?.agent ?? agent
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
  it('have the same result as separate reports, with every token and cent counted once', () => {
    fc.assert(
      fc.property(status, fc.array(step, { maxLength: 40, size: 'max' }), (start, steps) => {
        let [apart, joined] = [anAgent({ status: start }), anAgent({ status: start })]
        const [apartSums, joinedSums]: [Sums, Sums] = [new Map(), new Map()]
        const queue = new ReportQueue<number>(start)
        let settled: number[] = []
        const send = () => {
          const frame = queue.take()
          if (!frame) return false
          // A retry after a lost answer: the number says that it was applied.
          joined = apply(apply(joined, frame, joinedSums), frame, joinedSums)
          settled = [...settled, ...queue.applied(joined.status)]
          return true
        }
        for (const [index, { report }] of steps.entries()) {
          if (report) {
            apart = apply(apart, { ...report, n: index + 1 }, apartSums)
            queue.add(report, index)
          } else send()
        }
        let frames = 0
        while (send()) frames++
        expect(frames).toBeLessThanOrEqual(6)
        expect(seen(joined)).toEqual(seen(apart))
        expect(joinedSums).toEqual(apartSums)
        expect(settled).toEqual(steps.flatMap(({ report }, index) => (report ? [index] : [])))
      }),
      { numRuns: 2_000 },
    )
  })

  it('are one frame for all reports that arrive while one is under way', () => {
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

describe('reports of several models', () => {
  const zeros = { tasks_completed: 0, tokens_used: 0, cost_incurred: '0.0000' }
  const models = (count: number, from = 0) =>
    Array.from({ length: count }, (_, n) => ({ model: `m${from + n}`, tokens_used: 1 }))

  it('are summed by model and provider, where a kind of tokens that is 0 is left out', () => {
    const queue = new ReportQueue<string>('working')
    const large = { model: 'large', provider: 'acme' }
    queue.add({ usage: { ...large, input_tokens: 3, output_tokens: 2, cache_read_input_tokens: 0 } }, '')
    queue.add(
      {
        usage: [
          { ...large, tokens_used: 1 },
          { model: 'large', tokens_used: 4 },
        ],
      },
      '',
    )
    queue.add({ usage: { ...large, output_tokens: 1, cost_incurred: '0.00005' } }, '')
    queue.add({ usage: { tasks_completed: 1 } }, '')
    expect(queue.take()?.usage).toEqual([
      { ...zeros, ...large, tokens_used: 7, input_tokens: 3, output_tokens: 3 },
      { ...zeros, model: 'large', tokens_used: 4 },
      { ...zeros, tasks_completed: 1 },
    ])
  })

  it('are one object for one model, and nothing for none', () => {
    const queue = new ReportQueue<string>('working')
    queue.add({ usage: [{ model: 'a' }, { model: 'a', tokens_used: 2 }] }, '')
    expect(queue.take()).toEqual({ n: 1, usage: { ...zeros, model: 'a', tokens_used: 2 } })
    queue.applied('working')
    queue.add({ usage: [] }, '')
    expect(queue.take()).toEqual({ n: 2 })
  })

  it('are joined up to 16 models, and more are the next frame', () => {
    const queue = new ReportQueue<string>('working')
    for (const from of [0, 8, 12]) queue.add({ usage: models(8, from) }, '')
    expect(queue.take()?.usage).toEqual(models(16).map((one) => expect.objectContaining(one)))
    queue.applied('working')
    expect(queue.take()?.usage).toHaveLength(8)
    expect(() => queue.add({ usage: models(17) }, '')).toThrow('usage must be of at most 16 models')
  })

  it('carry what is too small over to their own model', () => {
    const queue = new ReportQueue<string>('working')
    const say = (model: string, cost_incurred: string) => queue.add({ usage: { model, cost_incurred } }, '')
    for (const cost of ['0.00006', '0.00001']) for (const model of ['a', 'b']) say(model, cost)
    say('a', '0.00003')
    expect(costOf(queue)).toBe('0.0001,0.0000')
  })

  it('lose no cost, however many models there are', () => {
    const queue = new ReportQueue<string>('working')
    let sent = 0n
    for (let n = 0; n < 1_000; n++) {
      queue.add({ usage: { model: `m${n}`, cost_incurred: '0.00005' } }, '')
      sent += BigInt(costOf(queue).replace('.', ''))
      queue.applied('working')
    }
    // Of all but the newest 16, what is carried has been sent with others.
    expect(Number(sent)).toBeGreaterThanOrEqual(500 - 16)
    expect(Number(sent)).toBeLessThanOrEqual(500)
  })

  it.each([
    ['usage.1.input_tokens must be a whole number from 0', [{}, { input_tokens: -1 }]],
    ['usage.inputTokens is not a field of usage', { inputTokens: 1 } as never],
    ['usage.1.total is not a field of usage', [{}, { total: 1 } as never]],
    ['usage.0.model must be a text of at most 128 characters', [{ model: 'm'.repeat(129) }]],
    ['usage.provider must be a text of at most 128 characters', { provider: 7 as never }],
    ['usage.0.cost_incurred must be an amount with at most 12 decimal places', [{ cost_incurred: 'x' }]],
    ['usage.tokens_used is too large', { input_tokens: Number.MAX_SAFE_INTEGER, output_tokens: 1 }],
    [
      'usage.cost_incurred is too large',
      [{ cost_incurred: 9_999_999_999 }, { model: 'a', cost_incurred: 1 }],
    ],
  ])('are refused with the field: %s', (message, usage) => {
    expect(() => new ReportQueue('idle').add({ usage }, '')).toThrow(new RangeError(message))
  })
})

describe('reports of a runtime that gets another agent', () => {
  it('keep their fields, and their usage only where it cannot have counted before', () => {
    const queue = new ReportQueue<string>('idle')
    const usage = { tasks_completed: 0, tokens_used: 3, cost_incurred: '0.0000' }
    queue.add({ session_id: 's1', usage }, 'under way')
    queue.resume(8, 'idle')
    expect(queue.take()).toEqual({ n: 9, session_id: 's1', usage })
    queue.add({ usage }, 'waiting')
    queue.turn()
    queue.resume(40, 'idle')
    expect(queue.take()).toEqual({ n: 41, session_id: 's1' })
    expect(queue.applied('idle')).toEqual(['under way'])
    expect(queue.take()).toEqual({ n: 42, usage })
    expect(queue.applied('idle')).toEqual(['waiting'])
    queue.turn()
    expect(queue.take()).toBeUndefined()
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

describe('reports of runtimes that replace each other', () => {
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
  it('keeps its number and content until the server has applied it', () => {
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

  it('that is refused for a field loses its fields, and no usage', () => {
    const queue = new ReportQueue<string>('idle')
    queue.add({ session_id: 'too long', usage: { tokens_used: 5 } }, 'a')
    expect(queue.take()).toMatchObject({ n: 1, session_id: 'too long' })
    expect(queue.refused(false)).toEqual(['a'])
    const usage = { tasks_completed: 0, tokens_used: 5, cost_incurred: '0.0000' }
    expect(queue.take()).toEqual({ n: 2, usage })
    expect(queue.refused(true)).toEqual([])
    expect(queue.isEmpty).toBe(true)
  })

  it('that is refused after reports of another runtime sends its usage under a higher number', () => {
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

  it('with invalid usage is refused before it is joined with others', () => {
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

  it('smaller than a ten-thousandth adds up exactly', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 50, size: 'max' }), (amounts) => {
        const queue = new ReportQueue<undefined>('working')
        let sent = 0n
        for (const cost_incurred of amounts) {
          queue.add({ usage: { cost_incurred } }, undefined)
          sent += units(costOf(queue), 4)
          queue.applied('working')
        }
        const used = amounts.reduce((sum, cost) => sum + units(cost, 12), 0n)
        expect(sent).toBe(used / 100_000_000n)
      }),
    )
  })

  it('given as a number counts as its nearest decimal', () => {
    const queue = new ReportQueue<undefined>('working')
    for (let count = 0; count < 10; count++) queue.add({ usage: { cost_incurred: 0.1 + 0.2 } }, undefined)
    for (let count = 0; count < 30; count++) queue.add({ usage: { cost_incurred: 1.5e-7 } }, undefined)
    queue.add({ usage: { cost_incurred: 0.0000955 } }, undefined)
    expect(costOf(queue)).toBe('3.0001')
  })
})

describe('a report after a restored backup', () => {
  it('has a higher number than every used one, also than those that the server has forgotten', () => {
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
