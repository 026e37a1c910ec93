/** Whether two JSON values are equal, whatever the order of keys. */
export function isSameJson(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return false
  if (Array.isArray(left) !== Array.isArray(right)) return false
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every(
    (key) =>
      Object.hasOwn(right, key) &&
      isSameJson((left as Record<string, unknown>)[key], (right as Record<string, unknown>)[key]),
  )
}

/** A number in a JSON text that no double equals, and the path of keys and indexes to it. */
export type InexactNumber = { literal: string; path: readonly (string | number)[] }

/** Only texts that match need the scan: minus zero, exponents, and 16 digits or more. */
const risky = /(?:^|[\s[,:])-?(?:0(?<=-0)|[\d.]+[eE]|[\d.]{16})/
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[[\]{},:]/g

/**
 * Finds a number that `JSON.parse` would change: too large, too precise, or minus zero, which `JSON.stringify` writes as 0.
 * `text` must be JSON. A reviver with its `source` would take twenty times as long as parsing.
 */
export function findInexactNumber(text: string): InexactNumber | undefined {
  if (!risky.test(text)) return undefined
  const path: (string | number)[] = []
  let name = ''
  for (const [token] of text.matchAll(tokens)) {
    const last = path.length - 1
    const place = path[last]
    if (token === '[') path.push(0)
    else if (token === '{') path.push('')
    else if (token === ']' || token === '}') path.pop()
    else if (token === ':') path[last] = JSON.parse(name)
    else if (token === ',') path[last] = typeof place === 'number' ? place + 1 : ''
    else if (token.startsWith('"')) name = token
    else if (!isExact(token)) return { literal: token, path }
  }
  return undefined
}

/** A double holds any 15 digits with a small exponent. */
const surelyExact = /^(?!-0)-?[\d.]{1,15}(?:[eE][+-]?\d\d?)?$/

function isExact(literal: string): boolean {
  return surelyExact.test(literal) || toDecimal(literal) === toDecimal(String(Number(literal)))
}

const numberShape = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/

/** The one spelling of a number: its digits without zeros at either end, and a power of ten. */
function toDecimal(literal: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] = numberShape.exec(literal) ?? []
  if (sign === undefined) return literal
  const digits = (whole + fraction).replace(/^0+/, '')
  if (digits === '') return `${sign}0`
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return `${sign}${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`
}
