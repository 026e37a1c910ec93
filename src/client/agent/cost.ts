import { countTokens } from '#src/domain/usage.ts'
import type { Usage } from './usage.ts'

/** What the usage of one model costs. Undefined: not known, so nothing is counted. */
export type Cost = (usage: Usage) => string | number | undefined

/** The usage with the cost of each model that has tokens and does not say its cost. */
export function addCosts(
  usage: Usage | readonly Usage[] | undefined,
  cost: Cost | undefined,
): Usage | readonly Usage[] | undefined {
  if (!usage || !cost) return usage
  const price = (one: Usage): Usage => (isUnpriced(one) ? { ...one, cost_incurred: cost(one) } : one)
  return Array.isArray(usage) ? usage.map(price) : price(usage as Usage)
}

function isUnpriced({ cost_incurred, ...usage }: Usage): boolean {
  return cost_incurred === undefined && countTokens(usage) > 0
}
