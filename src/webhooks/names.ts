import type { LookupAddress } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { addAbortListener } from 'node:events'

/** How long a name server has for a question, and how often each is asked. */
const TRY_MS = 1_500
const TRIES = 2
/** The end of a look-up, however many name servers there are. */
const LOOKUP_MS = 5_000

/** DNS has no address of that name, or does not say. */
export class NameUnresolved extends Error {
  readonly code = 'NAME_UNRESOLVED'
}

export type ResolveName = (name: string) => Promise<LookupAddress[]>

/** RFC 6761: these are never asked for. */
const localName = /(^|\.)localhost\.?$/i
const local: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/**
 * Asks DNS for the addresses of a fully qualified name. Not by getaddrinfo, which holds one of the process's few threads
 * for as long as a name server likes: a few names that hang would hold up every look-up of the server, the database's too.
 * `servers`: others than the system's. Rejects with `NameUnresolved`, also where `signal` ends it.
 */
export async function resolveName(
  name: string,
  { signal, servers }: { signal: AbortSignal; servers?: readonly string[] },
): Promise<LookupAddress[]> {
  if (localName.test(name)) return [...local]
  // One of its own, so that it can be cancelled alone.
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

/** Whatever is wrong with one kind, the other may do. */
async function toAddresses(family: 4 | 6, asking: Promise<string[]>): Promise<LookupAddress[]> {
  const addresses = await asking.catch(() => [])
  return addresses.map((address) => ({ address, family }))
}
