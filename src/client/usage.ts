import { addMoney, isTooMuch, type Money, parseMoney } from '#src/domain/money.ts'

/** What was used: whole numbers, and an amount with four decimal places as a string, or a number that has no more. */
export type Usage = {
  tasks_completed?: number | undefined
  tokens_used?: number | undefined
  cost_incurred?: string | number | undefined
}

const counters = ['tasks_completed', 'tokens_used'] as const

type Counted = { tasks_completed: number; tokens_used: number; cost_incurred: Money }

/** Usage to add up, exactly. Throws a RangeError that names what the server would refuse. */
export function toCounted(usage: Usage): Counted {
  const { tasks_completed = 0, tokens_used = 0, cost_incurred = 0 } = usage
  const counted = { tasks_completed, tokens_used, cost_incurred: parseMoney(cost_incurred) }
  for (const name of counters) {
    if (!Number.isSafeInteger(counted[name]) || counted[name] < 0) {
      throw new RangeError(`usage.${name} must be a whole number, not negative`)
    }
  }
  if (counted.cost_incurred === undefined) {
    throw new RangeError('usage.cost_incurred must be an amount with at most four decimal places')
  }
  return counted as Counted
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

export type { Counted }
