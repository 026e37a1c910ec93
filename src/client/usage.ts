import { addMoney, fromUnits, isTooMuch, type Money } from '#src/domain/money.ts'

/**
 * What was used: whole numbers, and an amount as a decimal string or a number, with up to twelve decimal places. The
 * server counts ten-thousandths; what is finer is carried over to the next report, so that it adds up as well.
 */
export type Usage = {
  tasks_completed?: number | undefined
  tokens_used?: number | undefined
  cost_incurred?: string | number | undefined
}

const counters = ['tasks_completed', 'tokens_used'] as const

/** Usage as it is sent. */
export type Counted = { tasks_completed: number; tokens_used: number; cost_incurred: Money }

const PLACES = 12
/** Trillionths in a ten-thousandth. */
const UNIT = 100_000_000n
const decimal = /^(\d{1,10})(?:\.(\d{1,12}))?$/

/**
 * Usage to add up, exactly, and the trillionths that are carried over. Throws a RangeError that names what can't be; a
 * number is taken for the decimal that it is nearest to.
 */
export function toCounted(usage: Usage, carried: bigint): { counted: Counted; carried: bigint } {
  const { tasks_completed = 0, tokens_used = 0, cost_incurred = 0 } = usage
  const counts = { tasks_completed, tokens_used }
  for (const name of counters) {
    if (!Number.isSafeInteger(counts[name]) || counts[name] < 0) {
      throw new RangeError(`usage.${name} must be a whole number, not negative`)
    }
  }
  const sum = carried + toTrillionths(cost_incurred)
  const cost = fromUnits(sum / UNIT)
  if (isTooMuch(cost)) throw new RangeError('usage.cost_incurred is more than can be counted')
  return { counted: { ...counts, cost_incurred: cost }, carried: sum % UNIT }
}

function toTrillionths(amount: string | number): bigint {
  const match = decimal.exec(typeof amount === 'number' ? amount.toFixed(PLACES) : amount)
  if (!match)
    throw new RangeError(`usage.cost_incurred must be an amount with at most ${PLACES} decimal places`)
  return BigInt(`${match[1]}${(match[2] ?? '').padEnd(PLACES, '0')}`)
}

/** Undefined where the sum is more than one report can carry. */
export function addUsage(left: Counted, right: Counted): Counted | undefined {
  const sum = {
    tasks_completed: left.tasks_completed + right.tasks_completed,
    tokens_used: left.tokens_used + right.tokens_used,
    cost_incurred: addMoney(left.cost_incurred, right.cost_incurred),
  }
  const isSafe = counters.every((name) => Number.isSafeInteger(sum[name])) && !isTooMuch(sum.cost_incurred)
  return isSafe ? sum : undefined
}
