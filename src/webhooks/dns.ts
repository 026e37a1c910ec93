import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { addAbortListener } from 'node:events'

/** How long a name server may take, and how often each is asked. */
const TRY_MS = 1_500
const TRIES = 2
/** The longest look-up, however many name servers there are. */
const LOOKUP_MS = 5_000

/** DNS has no address for the name, or did not answer. */
export class NameUnresolved extends Error {
  readonly code = 'NAME_UNRESOLVED'
}

export type ResolveName = (name: string) => Promise<LookupAddress[]>

/** RFC 6761: DNS is never asked for these names. */
const localName = /(^|\.)localhost\.?$/i
const local: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/**
 * Asks DNS for the addresses of a fully qualified name. getaddrinfo would hold one of the process's few threads for as
 * long as a name server likes, so a few hanging names would block every look-up, the database's too. `servers` replaces
 * the system's. Rejects with `NameUnresolved`, also when `signal` aborts.
 */
export async function resolveName(
  name: string,
  { signal, servers }: { signal: AbortSignal; servers?: readonly string[] },
): Promise<LookupAddress[]> {
  if (localName.test(name)) return [...local]
  // `cancel` ends all questions of a resolver, so each look-up has its own.
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES })
  if (servers) resolver.setServers(servers)
  const end = AbortSignal.any([signal, AbortSignal.timeout(LOOKUP_MS)])
  const ending = addAbortListener(end, () => resolver.cancel())
  const found = await Promise.all([
    toAddresses(4, resolver.resolve4(name)),
    toAddresses(6, resolver.resolve6(name)),
  ])
  ending[Symbol.dispose]()
  if (found.flat().length === 0) throw new NameUnresolved()
  return found.flat()
}

/** A failure of one family leaves the other usable. */
async function toAddresses(family: 4 | 6, asking: Promise<string[]>): Promise<LookupAddress[]> {
  const addresses = await asking.catch(() => [])
  return addresses.map((address) => ({ address, family }))
}
