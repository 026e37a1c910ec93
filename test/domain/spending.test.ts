import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BudgetRecord,
  type BudgetStep,
  changeBudget,
  enterWindow,
  isFraction,
  leaveWindow,
  scopeOf,
  spend,
  toBudget,
  toLimit,
  usedBetween,
  wantsStop,
} from '#src/domain/spending.ts'
import { anAgent } from './an-agent.ts'

const START = '2026-11-23T00:00:00.000Z'
const NOW = '2026-11-23T18:03:11.204Z'
const END = '2026-11-24T00:00:00.000Z'
const LATER = '2026-11-25T00:00:00.000Z'
const UNIT = 10_000n

const aBudget = (own: Partial<BudgetRecord> = {}): BudgetRecord => ({
  id: 'budget',
  project_id: 'project',
  name: 'Team',
  metric: 'cost',
  limit: '10.0000',
  window: 'day',
  timezone: 'UTC',
  selector: null,
  agent_type_id: null,
  agent_id: null,
  warn_at: [0.5, 0.8],
  action: 'hold',
  mode: 'checkpoint',
  spent: '0.0000',
  starts_at: START,
  resets_at: END,
  warned: [],
  exceeded_at: null,
  hold_id: null,
  is_settled: true,
  created_by: { kind: 'user', id: null },
  created_at: START,
  ...own,
})
/** Spends one amount after the other, and collects the news. */
const spendAll = (budget: BudgetRecord, ...units: bigint[]): BudgetStep =>
  units.reduce<BudgetStep>(
    (before, more) => {
      const { budget, news } = spend(before.budget, more, NOW)
      return { budget, news: [...before.news, ...news] }
    },
    { budget, news: [] },
  )
const warning = (fraction: number) => ({ name: 'project.budget_warning', fraction })
const exceeded = { name: 'project.budget_exceeded' }

describe('a budget', () => {
  it('warns once of each fraction, and is exceeded when its limit is spent', () => {
    const { budget, news } = spendAll(aBudget(), 4n * UNIT, UNIT, UNIT, 2n * UNIT, 2n * UNIT - 1n, 1n, UNIT)
    expect(news).toEqual([warning(0.5), warning(0.8), exceeded])
    expect(toBudget(budget)).toMatchObject({ spent: '11.0000', limit: '10.0000', state: 'exceeded' })
    expect(budget.exceeded_at).toBe(NOW)
  })

  it('warns of the highest fraction that is jumped to, and of none below it later', () => {
    const { budget, news } = spendAll(aBudget({ warn_at: [0.8, 0.2, 0.5] }), 6n * UNIT, UNIT)
    expect(news).toEqual([warning(0.5)])
    expect(toBudget(budget).state).toBe('warned')
    expect(spend(budget, 4n * UNIT, NOW).news).toEqual([warning(0.8), exceeded])
  })

  it('compares to the last decimal', () => {
    const almost = spend(aBudget({ warn_at: [0.3333], limit: '0.0003' }), 0n, NOW)
    expect(almost.news).toEqual([])
    expect(spend(almost.budget, 1n, NOW).news).toEqual([warning(0.3333)])
    const large = aBudget({ limit: '9999999999.9999', spent: '9999999999.9997', warned: [0.5, 0.8] })
    const { budget, news } = spend(large, 1n, NOW)
    expect([budget.spent, news]).toEqual(['9999999999.9998', []])
    expect(spend(budget, 1n, NOW).news).toEqual([exceeded])
  })

  it('shows tokens as numbers', () => {
    const { budget } = spend(aBudget({ metric: 'tokens', limit: '500.0000' }), 120n * UNIT, NOW)
    expect(toBudget(budget)).toMatchObject({ limit: 500, spent: 120, state: 'ok' })
  })

  it('acts at once on a limit at or below what is spent, and ends its stop with one above', () => {
    const { budget } = spendAll(aBudget(), 4n * UNIT)
    const lowered = changeBudget(budget, { limit: '4' }, NOW)
    expect(lowered.news).toEqual([warning(0.8), exceeded])
    expect(wantsStop(lowered.budget)).toBe(true)
    const raised = changeBudget(lowered.budget, { limit: 4.0001 }, NOW)
    expect(raised.news).toEqual([])
    expect([wantsStop(raised.budget), toBudget(raised.budget).state]).toEqual([false, 'warned'])
    expect(changeBudget(lowered.budget, { action: 'notify' }, NOW)).toMatchObject({
      news: [],
      budget: { exceeded_at: NOW, action: 'notify' },
    })
  })

  it('has to settle its tree when that is to be stopped, freed or told another name', () => {
    const free = aBudget({ agent_id: 'agent' })
    expect(spend(free, UNIT, NOW).budget.is_settled).toBe(true)
    const unsettled = spend(free, 10n * UNIT, NOW).budget
    expect(unsettled.is_settled).toBe(false)
    const stopped = { ...unsettled, is_settled: true }
    expect(spend(stopped, UNIT, NOW).budget.is_settled).toBe(true)
    const change = (patch: object) => changeBudget(stopped, patch, NOW).budget.is_settled
    expect([change({ name: 'Other' }), change({ limit: '20' }), change({ action: 'notify' })]).toEqual([
      false,
      false,
      false,
    ])
    expect([change({ warn_at: [] }), change({ mode: 'interrupt' })]).toEqual([true, true])
    expect(enterWindow(stopped, { starts_at: END, resets_at: LATER }).is_settled).toBe(false)
    expect(spend(aBudget(), 10n * UNIT, NOW).budget.is_settled).toBe(true)
  })

  it('begins again with each window, and leaves one in which something was used', () => {
    const { budget } = spendAll(aBudget(), 10n * UNIT)
    const next = enterWindow(budget, { starts_at: END, resets_at: LATER })
    expect(next).toMatchObject({ spent: '0.0000', warned: [], exceeded_at: null, starts_at: END })
    expect(leaveWindow(budget)).toEqual({
      starts_at: START,
      ends_at: END,
      spent: '10.0000',
      limit: '10.0000',
      exceeded_at: NOW,
    })
    expect(leaveWindow(next)).toBeUndefined()
    expect(spend(next, 5n * UNIT, END).news).toEqual([warning(0.5)])
  })

  it('keeps sums equal to all that was spent, whatever comes in which order', () => {
    const amounts = fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { maxLength: 50 })
    fc.assert(
      fc.property(
        amounts,
        fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 5 }),
        (units, parts) => {
          const warn_at = [...new Set(parts)].map((part) => part / 10_000)
          const { budget, news } = spendAll(aBudget({ limit: '1000000.0000', warn_at }), ...units)
          const sum = units.reduce((before, one) => before + one, 0n)
          expect(BigInt(budget.spent.replace('.', ''))).toBe(sum)
          const fractions = news.flatMap((one) => ('fraction' in one ? one.fraction : []))
          expect(fractions).toEqual([...new Set(fractions)].sort((left, right) => left - right))
          expect(news.filter(({ name }) => name === exceeded.name)).toHaveLength(sum >= 10n ** 10n ? 1 : 0)
        },
      ),
    )
  })
})

describe('what a change used', () => {
  it('is what it adds to the counters; lowering one gives nothing back', () => {
    const before = anAgent({ tokens_used: 10, cost_incurred: '1.0000' })
    const after = { ...before, tokens_used: 13, cost_incurred: '0.9999' }
    expect(usedBetween(before, after)).toEqual({ tokens: 3n * UNIT, cost: 0n })
  })
})

describe('the scope of a budget', () => {
  const agent = anAgent({ labels: { team: 'search' } })
  it.each([
    [{}, [], true],
    [{ selector: 'team=search' }, [], true],
    [{ selector: 'team=news' }, [], false],
    [{ agent_type_id: agent.agent_type_id }, [], true],
    [{ agent_type_id: agent.agent_type_id, selector: '!team' }, [], false],
    [{ agent_type_id: 'another' }, [], false],
    [{ agent_id: 'root' }, [agent.id], true],
    [{ agent_id: 'root' }, [], false],
  ])('%j with members %j: %s', (own, members, isIncluded) => {
    expect(scopeOf(aBudget(own), members)(agent)).toBe(isIncluded)
  })
})

describe('limits and fractions', () => {
  it.each([
    ['cost', '12.5', '12.5000'],
    ['cost', 0.0001, '0.0001'],
    ['tokens', 9_007_199_254_740_991, '9007199254740991.0000'],
  ] as const)('%s of %s', (metric, input, limit) => expect(toLimit(metric, input)).toBe(limit))

  it.each([
    ['cost', '0'],
    ['cost', '1.00001'],
    ['cost', -1],
    ['cost', '1e3'],
    ['tokens', 0],
    ['tokens', '5'],
    ['tokens', 1.5],
    ['tokens', 2 ** 53],
  ] as const)('%s of %s is refused', (metric, input) =>
    expect(() => toLimit(metric, input)).toThrow('Must be'),
  )

  it('has fractions above 0, up to 1, with four decimal places', () => {
    expect([0.8, 1, 0.0001, 0.29, 0.9999].filter(isFraction)).toHaveLength(5)
    expect([0, -0.5, 1.0001, 0.00001, 0.12345, Number.NaN].filter(isFraction)).toEqual([])
  })
})
