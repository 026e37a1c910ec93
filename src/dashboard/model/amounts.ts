const units: Record<string, number> = { k: 1_000, m: 1_000_000, b: 1_000_000_000 }
const shape = /^(\d{1,3}(?:[,_ ]\d{3})+|\d+)(\.\d+)?\s*([kmb])?$/i
/** Two hundred thousand in one country, two hundred in another. */
const ambiguous = /^\d+(\.\d{3})+$/

/**
 * A number of tokens as people type it: 200000, 200,000, 200k, 0.2M. Undefined for no input. Throws a RangeError for
 * anything else: taken for no limit, a typing error would let an agent spend without end.
 */
export function parseTokens(typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined
  if (ambiguous.test(typed)) throw new RangeError('Write 200,000 or 200k: a point is no thousands separator')
  const [, whole = '', fraction = '', unit = ''] = shape.exec(typed) ?? []
  const scaled = Number(whole.replaceAll(/[,_ ]/g, '') + fraction) * (units[unit.toLowerCase()] ?? 1)
  // 0.29M is a hair off in binary; a fraction of a token is not.
  const tokens = Math.round(scaled)
  if (whole === '' || Math.abs(scaled - tokens) > 1e-6 || !Number.isSafeInteger(tokens))
    throw new RangeError('Enter a whole number, such as 200,000 or 200k')
  return tokens
}
