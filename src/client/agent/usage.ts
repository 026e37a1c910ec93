import { addMoney, fromUnits, isTooMuch, type Money } from '#src/domain/money.ts'
import { countTokens, MAX_MODELS, tokenKinds, type UsageCounts, usageCounts } from '#src/domain/usage.ts'

/**
 * Usage, in all or of one model: whole numbers, and an amount as a decimal string or a number, with up to twelve decimal
 * places. The server counts ten-thousandths; the rest is carried over to the next report, so that the sum stays exact.
 * Without `tokens_used`, the sum of input and output tokens counts.
 */
export type Usage = { [Count in keyof UsageCounts]?: number | undefined } & {
  cost_incurred?: string | number | undefined
  model?: string | undefined
  provider?: string | undefined
}

/** Usage of one model on the wire, without kinds of tokens that are 0. */
export type Counted = { tasks_completed: number; tokens_used: number; cost_incurred: Money } & {
  [Kind in (typeof tokenKinds)[number]]?: number
} & { model?: string; provider?: string }

/** By model and provider: trillionths of the cost that are too small to report yet. */
export type Carried = ReadonlyMap<string, bigint>

const PLACES = 12
/** Trillionths in a ten-thousandth. */
const UNIT = 100_000_000n
const fields: ReadonlySet<string> = new Set([...usageCounts, 'cost_incurred', 'model', 'provider'])
const decimal = /^(\d{1,10})(?:\.(\d{1,12}))?$/
const MAX_NAME = 128
/** Models that have something carried over. Of one more, the oldest's counts with the next model that is reported. */
const MAX_CARRIED = 16

/**
 * Exact usage with an entry for each model, and what to carry over. A number counts as its nearest decimal. Throws a
 * RangeError that names the invalid field.
 */
export function toCounted(
  usage: Usage | readonly Usage[],
  carried: Carried,
): { counted: Counted[]; carried: Carried } {
  const rests = new Map(carried)
  const entries: [path: string, one: Usage][] = Array.isArray(usage)
    ? usage.map((one, index) => [`usage.${index}`, one])
    : [['usage', usage as Usage]]
  const counted = merge(entries.map(([path, one]) => countOne(path, one, rests)))
  if (counted.length > MAX_MODELS) throw new RangeError(`usage must be of at most ${MAX_MODELS} models`)
  const tooLarge = findTooLarge(counted)
  if (tooLarge) throw new RangeError(`usage.${tooLarge} is too large`)
  return { counted, carried: rests }
}

function countOne(path: string, usage: Usage, rests: Map<string, bigint>): Counted {
  const { model, provider, cost_incurred = 0 } = usage
  // Such as `inputTokens`: it would count as nothing.
  const unknown = Object.keys(usage).find((name) => !fields.has(name))
  if (unknown !== undefined) throw new RangeError(`${path}.${unknown} is not a field of usage`)
  for (const count of usageCounts) {
    const value = usage[count] ?? 0
    if (!Number.isSafeInteger(value) || value < 0)
      throw new RangeError(`${path}.${count} must be a whole number from 0`)
  }
  for (const [name, text] of Object.entries({ model, provider })) {
    if (text !== undefined && (typeof text !== 'string' || [...text].length > MAX_NAME))
      throw new RangeError(`${path}.${name} must be a text of at most ${MAX_NAME} characters`)
  }
  const key = keyOf(usage)
  const sum = takeRest(rests, key) + toTrillionths(cost_incurred, path)
  if (sum % UNIT > 0n) rests.set(key, sum % UNIT)
  const kinds = tokenKinds.filter((kind) => usage[kind])
  return {
    ...(model && { model }),
    ...(provider && { provider }),
    tasks_completed: usage.tasks_completed ?? 0,
    tokens_used: countTokens({ ...usage, cost_incurred: undefined }),
    cost_incurred: fromUnits(sum / UNIT),
    ...Object.fromEntries(kinds.map((kind) => [kind, usage[kind]])),
  }
}

function keyOf({ model = '', provider = '' }: Pick<Usage, 'model' | 'provider'>): string {
  return JSON.stringify([model, provider])
}

function takeRest(rests: Map<string, bigint>, key: string): bigint {
  let rest = rests.get(key) ?? 0n
  rests.delete(key)
  for (const [other, trillionths] of rests) {
    if (rests.size < MAX_CARRIED) break
    rests.delete(other)
    rest += trillionths
  }
  return rest
}

function toTrillionths(amount: string | number, path: string): bigint {
  const match = decimal.exec(typeof amount === 'number' ? amount.toFixed(PLACES) : amount)
  if (!match)
    throw new RangeError(`${path}.cost_incurred must be an amount with at most ${PLACES} decimal places`)
  return BigInt(`${match[1]}${(match[2] ?? '').padEnd(PLACES, '0')}`)
}

/** Undefined where the sum is too large for one report, or of too many models. */
export function addUsage(left: readonly Counted[], right: readonly Counted[]): Counted[] | undefined {
  const sum = merge([...left, ...right])
  return sum.length <= MAX_MODELS && !findTooLarge(sum) ? sum : undefined
}

/** One entry for each model. */
function merge(entries: readonly Counted[]): Counted[] {
  const merged = new Map<string, Counted>()
  for (const entry of entries) {
    const key = keyOf(entry)
    const before = merged.get(key)
    merged.set(key, before ? add(before, entry) : entry)
  }
  return [...merged.values()]
}

function add(left: Counted, right: Counted): Counted {
  const sum = { ...left, cost_incurred: addMoney(left.cost_incurred, right.cost_incurred) }
  for (const count of usageCounts) {
    const added = right[count]
    if (added !== undefined) sum[count] = (left[count] ?? 0) + added
  }
  return sum
}

/** What adds up to more than the server can count, if there is such a field. */
function findTooLarge(entries: readonly Counted[]): string | undefined {
  const cost = entries.reduce((sum, { cost_incurred }) => addMoney(sum, cost_incurred), '0.0000')
  if (isTooMuch(cost)) return 'cost_incurred'
  return usageCounts.find(
    (count) => !Number.isSafeInteger(entries.reduce((sum, entry) => sum + (entry[count] ?? 0), 0)),
  )
}
