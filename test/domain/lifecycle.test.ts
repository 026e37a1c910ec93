import { describe, expect, it } from 'vitest'
import { SignalboxError } from '#src/domain/errors.ts'
import {
  type AgentStatus,
  agentStatuses,
  assertTransition,
  canTransition,
  transitionMessage,
} from '#src/domain/lifecycle.ts'

/** Written out by hand (docs/architecture.md: Lifecycle): rows are from, columns are to. */
const expected = `
  from        idle working waiting paused terminated
  idle        no   yes     no      yes    yes
  working     yes  no      yes     yes    yes
  waiting     yes  yes     no      yes    yes
  paused      yes  no      no      no     yes
  terminated  no   no      no      no     no
`
const [header = [], ...rows] = expected
  .trim()
  .split('\n')
  .map((line) => line.trim().split(/ +/))

const cells = rows.flatMap(([from, ...answers]) =>
  answers.map((answer, index) => ({
    from: from as AgentStatus,
    to: header[index + 1] as AgentStatus,
    legal: answer === 'yes',
  })),
)

describe('the lifecycle', () => {
  it('has the five statuses of the contract', () => {
    expect(agentStatuses).toEqual(header.slice(1))
    expect(cells).toHaveLength(25)
  })

  it.each(cells.filter(({ legal }) => legal))('lets $from become $to', ({ from, to }) => {
    expect(canTransition(from, to)).toBe(true)
    expect(() => assertTransition(from, to)).not.toThrow()
  })

  it.each(cells.filter(({ legal }) => !legal))('never lets $from become $to', ({ from, to }) => {
    expect(canTransition(from, to)).toBe(false)
    const message = `Cannot transition from ${from} to ${to}`
    expect(transitionMessage(from, to)).toBe(message)
    const problem = expect.objectContaining({ kind: 'invalid', problems: [{ message, field: 'status' }] })
    expect(() => assertTransition(from, to)).toThrow(problem)
    expect(() => assertTransition(from, to)).toThrow(SignalboxError)
  })
})
