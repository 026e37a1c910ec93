import type { ClusterLocation, RedisNode } from './redis-url.ts'
import { Shard, type ShardEvents } from './shard.ts'
import { askNode, credentialsOf, SLOT_COUNT, type SlotRange } from './slots.ts'

/** How often the cluster is asked for its slots, and each connection for a sign of life. */
const CHECK_MS = 1_000
/** A slot that has moved: the cluster is asked so soon, however many notice. */
const CHECK_SOON_MS = 100

type Events = Pick<ShardEvents, 'onNews' | 'onError'> & {
  /** All subscriptions of a shard are gone. */
  onEmpty: (shard: Shard) => void
  /** Subscriptions that have no shard, or another than their slot now has, have to be placed. */
  onPlace: () => void
}

/** The masters of a cluster, and which of them has which slot. */
export class Shards {
  readonly #location: ClusterLocation
  readonly #events: Events
  readonly #shards = new Map<string, { node: RedisNode; shard: Shard }>()
  #owners: (Shard | undefined)[] = []
  #timer: NodeJS.Timeout | undefined
  #due = 0
  #isChecking = false
  #isAskedAgain = false
  #isTold = false
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

  /** Every slot has a master, and every master can be heard and told. */
  get isUp(): boolean {
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (!this.#owners[slot]) return false
    return [...this.#shards.values()].every(({ shard }) => shard.isUp)
  }

  /** What a node has refused tells of slots that have moved, or of a Redis that is too old. */
  noteRefusal(error: Error): void {
    if (error.message.startsWith('MOVED')) this.#checkIn(CHECK_SOON_MS)
    if (this.#isTold || !/unknown command/i.test(error.message)) return
    this.#isTold = true
    this.#events.onError(
      new Error('this Redis Cluster has no sharded pub/sub, which came with Redis 7: news comes late'),
    )
  }

  /** Never later than what is due already. */
  #checkIn(delay_ms: number): void {
    const due = Date.now() + delay_ms
    // One at a time: an answer that is overtaken would set the owners back.
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
      // Told once, not every second.
      const message = error instanceof Error ? error.message : String(error)
      if (message !== this.#failure) this.#events.onError(new Error(message))
      this.#failure = message
    }
    this.#isChecking = false
    this.#checkIn(this.#isAskedAgain ? CHECK_SOON_MS : CHECK_MS)
    this.#isAskedAgain = false
  }

  /** Asks the masters that are known, one after the other from any on, else the nodes of the configuration. */
  async #readSlots(): Promise<SlotRange[]> {
    const known = [...this.#shards.values()].filter(({ shard }) => shard.canPublish)
    const start = Math.floor(Math.random() * known.length)
    for (const { node, shard } of [...known.slice(start), ...known.slice(0, start)]) {
      try {
        return await shard.readSlots(node)
      } catch {
        // The next one knows as well.
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
      this.#events.onEmpty(shard)
    }
    this.#events.onPlace()
  }

  #open(node: RedisNode): Shard {
    const key = `${node.host}:${node.port}`
    const known = this.#shards.get(key)
    if (known) return known.shard
    const { onNews, onError, onEmpty, onPlace } = this.#events
    const shard: Shard = new Shard(
      { ...node, ...credentialsOf(this.#location) },
      {
        onNews,
        onError,
        onRefused: (error) => this.noteRefusal(error),
        onEmpty: (isReady) => {
          onEmpty(shard)
          if (isReady) onPlace()
          else this.#checkIn(CHECK_SOON_MS)
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
