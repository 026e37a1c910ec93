/**
 * Money is a decimal string with four places (`"12.3400"`). Arithmetic uses whole ten-thousandths, so that no amount is
 * ever a float.
 */
export type Money = string

const SCALE = 10_000n
export const MAX_MONEY: Money = '9999999999.9999'
const shape = /^(\d{1,10})(?:\.(\d{1,4}))?$/

/** Reads an amount that a peer sent (decimal string or number); undefined if it is not one. */
export function parseMoney(input: string | number): Money | undefined {
  const match = shape.exec(typeof input === 'number' ? String(input) : input)
  return match ? `${BigInt(match[1] as string)}.${(match[2] ?? '').padEnd(4, '0')}` : undefined
}

/** As whole ten-thousandths. */
export function toUnits(amount: Money): bigint {
  return BigInt(amount.replace('.', ''))
}

/** From whole ten-thousandths. */
export function fromUnits(units: bigint): Money {
  return `${units / SCALE}.${String(units % SCALE).padStart(4, '0')}`
}

export function addMoney(left: Money, right: Money): Money {
  return fromUnits(toUnits(left) + toUnits(right))
}

/** Whether a column of money cannot hold it. */
export function isTooMuch(amount: Money): boolean {
  return toUnits(amount) > toUnits(MAX_MONEY)
}

export function isAtLeast(amount: Money, limit: Money): boolean {
  return toUnits(amount) >= toUnits(limit)
}
