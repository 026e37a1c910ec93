/** The formats of texts. Each expression takes linear time, whatever the text. */

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/

/** RFC 3339: a real calendar day, whose year is from 1 to 9999 in UTC too. */
export function isTime(value: string): boolean {
  if (!rfc3339.test(value) || Number.isNaN(Date.parse(value)) || !isDate(value.slice(0, 10))) return false
  const year = new Date(value).getUTCFullYear()
  return year >= 1 && year <= 9999
}

/** A real calendar day. */
export function isDate(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false
  const midnight = new Date(`${value}T00:00:00Z`)
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().slice(0, 10) === value
}

const MAX_EMAIL = 320
const localPart = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}$/
const domainLabel = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/

/** As in HTML: without quotes and comments, which no mailbox of a person has. */
export function isEmail(value: string): boolean {
  const at = value.lastIndexOf('@')
  if (at < 1 || value.length > MAX_EMAIL || !localPart.test(value.slice(0, at))) return false
  return value
    .slice(at + 1)
    .split('.')
    .every((label) => domainLabel.test(label))
}

const uriCharacters = /^[a-zA-Z][a-zA-Z0-9+.-]*:(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[0-9a-fA-F]{2})*$/

/** RFC 3986: with a scheme, and other characters than ASCII encoded. */
export function isUri(value: string): boolean {
  return uriCharacters.test(value) && URL.canParse(value)
}
