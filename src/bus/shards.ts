import { SLOTS_CHECK_MS, SLOTS_CHECK_SOON_MS } from './bounds.ts'
import type { ClusterLocation, RedisNode } from './redis-url.ts'
import { Shard, type ShardEvents } from './shard.ts'
import { askNode, credentialsOf, SLOT_COUNT, type SlotRange } from './slots.ts'

type Events = Pick<ShardEvents, 'onNews' | 'onError'> & {
  /** All subscriptions of a shard are gone. */
  onUnsubscribed: (shard: Shard) => void
  /** Subscriptions without a shard, or on one that no longer has their slot, have to be placed. */
  onPlace: () => void
}

/**
 * The masters of a cluster, and the slots that each has.
 *
 * This is our own, since ioredis's sharded subscriber (6.0, `shardedSubscribers`) forgets a subscription that a node
 * refuses for a moment, and restores one only when all nodes answer: one node that is away would silence the others.
 * Look again when a release of ioredis restores each subscription by itself after a refusal and after a lost node; the
 * tests in test/bus/cluster.test.ts say what it has to do.
 */
export class Shards {
  readonly #location: ClusterLocation
  readonly #events: Events
  readonly #shards = new Map<string, { node: RedisNode; shard: Shard }>()
  #owners: (Shard | undefined)[] = []
  #timer: NodeJS.Timeout | undefined
  #due = 0
  #isChecking = false
  #isAskedAgain = false
  #isTooOldReported = false
  #failure: string | undefined
  #isClosed = false

  constructor(location: ClusterLocation, events: Events) {
    this.#location = location
    this.#events = events
    void this.#check()
  }

  ownerOf(slot: number): Shard | undefined {
    return this.#owners[slot]
  }

  /** Every slot has a master, and both connections to every master are open. */
  get isUp(): boolean {
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (!this.#owners[slot]) return false
    return [...this.#shards.values()].every(({ shard }) => shard.isUp)
  }

  /** A refusal can mean that a slot has moved, or that Redis is too old. */
  noteRefusal(error: Error): void {
    if (error.message.startsWith('MOVED')) this.#checkIn(SLOTS_CHECK_SOON_MS)
    if (this.#isTooOldReported || !/unknown command/i.test(error.message)) return
    this.#isTooOldReported = true
    this.#events.onError(
      new Error(
        'This Redis Cluster has no sharded pub/sub, so news comes up to 2 s late. Upgrade it to Redis 7 or later',
      ),
    )
  }

  /** Leaves an earlier check where it is. */
  #checkIn(delay_ms: number): void {
    const due = performance.now() + delay_ms
    // One at a time: an answer that another overtakes would restore old owners.
    if (this.#isChecking) this.#isAskedAgain = true
    if (this.#isClosed || this.#isChecking || (this.#timer && this.#due <= due)) return
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#check()
    }, delay_ms)
  }

  async #check(): Promise<void> {
    this.#isChecking = true
    for (const { shard } of this.#shards.values()) shard.probe()
    try {
      const ranges = await this.#readSlots()
      this.#failure = undefined
      if (!this.#isClosed) this.#take(ranges)
    } catch (error) {
      // Reported once, not every second.
      const message = error instanceof Error ? error.message : String(error)
      if (message !== this.#failure) this.#events.onError(new Error(message))
      this.#failure = message
    }
    this.#isChecking = false
    this.#checkIn(this.#isAskedAgain ? SLOTS_CHECK_SOON_MS : SLOTS_CHECK_MS)
    this.#isAskedAgain = false
  }

  /** Asks the known masters in turn, from a random one on, then the configured nodes. */
  async #readSlots(): Promise<SlotRange[]> {
    const known = [...this.#shards.values()].filter(({ shard }) => shard.canPublish)
    const start = Math.floor(Math.random() * known.length)
    for (const { node, shard } of [...known.slice(start), ...known.slice(0, start)]) {
      try {
        return await shard.readSlots(node)
      } catch {
        // The next master knows as well.
      }
    }
    let last: unknown
    for (const node of this.#location.nodes) {
      try {
        return await askNode(node, this.#location)
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  #take(ranges: readonly SlotRange[]): void {
    const owners: (Shard | undefined)[] = new Array(SLOT_COUNT)
    const owning = new Set<Shard>()
    for (const { first, last, master } of ranges) {
      const shard = this.#open(master)
      owning.add(shard)
      owners.fill(shard, first, last + 1)
    }
    this.#owners = owners
    for (const [key, { shard }] of this.#shards) {
      if (owning.has(shard)) continue
      this.#shards.delete(key)
      shard.close()
      this.#events.onUnsubscribed(shard)
    }
    this.#events.onPlace()
  }

  #open(node: RedisNode): Shard {
    const key = `${node.host}:${node.port}`
    const known = this.#shards.get(key)
    if (known) return known.shard
    const { onNews, onError, onUnsubscribed, onPlace } = this.#events
    const shard: Shard = new Shard(
      { ...node, ...credentialsOf(this.#location) },
      {
        onNews,
        onError,
        onRefused: (error) => this.noteRefusal(error),
        onUnsubscribed: (isReady) => {
          onUnsubscribed(shard)
          if (isReady) onPlace()
          else this.#checkIn(SLOTS_CHECK_SOON_MS)
        },
      },
    )
    this.#shards.set(key, { node, shard })
    return shard
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const { shard } of this.#shards.values()) shard.close()
  }
}
