import { toHex } from './random.ts'

/** `input`: all arguments, before anything is cut off for people. */
export type IdentifiedCall = { id: string; name: string; input: unknown }

/** The server takes 128 characters, of which the digest needs 64; these are for people. */
const MAX_SHOWN = 48

/**
 * The request_id of the question whether a tool may be called. An answered request_id keeps its answer, and some models count
 * their calls from the start in each response: so it has a digest of the whole call. The same call finds its answer after a
 * restart, and another call finds none. Undefined where no id can say which call it is: for a call without an id, for
 * arguments that are no JSON, and in a page without a secure context, which has no SHA-256.
 */
export async function toRequestId(
  { id, name, input }: IdentifiedCall,
  prefix = '',
): Promise<string | undefined> {
  const json = toCanonicalJson([id, name, input])
  const { subtle } = globalThis.crypto
  if (id === '' || json === undefined || !subtle) return undefined
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(json))
  const shown = id.replaceAll(/[^\w.:-]/g, '').slice(0, MAX_SHOWN)
  return `${prefix}${shown}-${toHex(new Uint8Array(digest))}`
}

/** The same text for the same value, whatever the order of its keys. Undefined where JSON would leave something out. */
function toCanonicalJson(value: unknown): string | undefined {
  let isWhole = true
  const json = JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === 'number' && !Number.isFinite(inner)) isWhole = false
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    // A map or a set would be an empty object.
    if (Object.prototype.toString.call(inner) !== '[object Object]') isWhole = false
    return Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
  })
  return isWhole ? json : undefined
}
