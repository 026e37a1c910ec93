/**
 * Money is a decimal string with four places everywhere (`"12.3400"`); arithmetic is done on whole
 * ten-thousandths, so that no amount is ever a float.
 */
export type Money = string

const SCALE = 10_000n
export const MAX_MONEY: Money = '9999999999.9999'
const shape = /^(\d{1,10})(?:\.(\d{1,4}))?$/

/** What a peer sent as an amount (decimal string or number) as Money; undefined where it is none. */
export function parseMoney(input: string | number): Money | undefined {
  const match = shape.exec(typeof input === 'number' ? String(input) : input)
  return match ? `${BigInt(match[1] as string)}.${(match[2] ?? '').padEnd(4, '0')}` : undefined
}

function toUnits(amount: Money): bigint {
  return BigInt(amount.replace('.', ''))
}

/** From whole ten-thousandths. */
export function fromUnits(units: bigint): Money {
  return `${units / SCALE}.${String(units % SCALE).padStart(4, '0')}`
}

export function addMoney(left: Money, right: Money): Money {
  return fromUnits(toUnits(left) + toUnits(right))
}

/** Whether it is more than a column of money holds. */
export function isTooMuch(amount: Money): boolean {
  return toUnits(amount) > toUnits(MAX_MONEY)
}

export function isAtLeast(amount: Money, limit: Money): boolean {
  return toUnits(amount) >= toUnits(limit)
}
