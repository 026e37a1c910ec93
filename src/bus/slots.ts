import { Redis } from 'ioredis'
import * as v from 'valibot'
import { SOCKET_TIMEOUT_MS } from './bounds.ts'
import { connectionOptions } from './connection-options.ts'
import type { ClusterLocation, RedisNode } from './redis-url.ts'

/** Every key and channel of a cluster belongs to one slot. */
export const SLOT_COUNT = 16_384

/** A master has the slots from `first` to `last`. */
export type SlotRange = { first: number; last: number; master: RedisNode }

const slot = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(SLOT_COUNT - 1))
/** The master comes first, then its replicas. */
const slotsReply = v.array(
  v.looseTuple([slot, slot, v.looseTuple([v.nullable(v.string()), v.pipe(v.number(), v.integer())])]),
)

/** Reads the reply to CLUSTER SLOTS. A node that does not know its own host has the host that was asked. */
export function parseSlots(reply: unknown, asked: RedisNode): SlotRange[] {
  return v
    .parse(slotsReply, reply)
    .map(([first, last, [host, port]]) => ({ first, last, master: { host: host || asked.host, port } }))
}

/** The options that all nodes of a cluster share. */
export function credentialsOf({ username, password, tls }: ClusterLocation) {
  return { ...(username && { username }), ...(password && { password }), ...(tls && { tls: {} }) }
}

/** Asks one node on a separate connection, which it closes. */
export async function askNode(node: RedisNode, location: ClusterLocation): Promise<SlotRange[]> {
  const connection = new Redis({
    ...node,
    ...credentialsOf(location),
    ...connectionOptions,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    socketTimeout: SOCKET_TIMEOUT_MS,
  })
  // An error also rejects what is awaited below.
  connection.on('error', () => {})
  try {
    await connection.connect()
    return parseSlots(await connection.cluster('SLOTS'), node)
  } finally {
    connection.disconnect()
  }
}
