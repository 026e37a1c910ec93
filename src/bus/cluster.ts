import slotOf from 'cluster-key-slot'
import type { Bus } from './bus.ts'
import type { NewsCodec } from './news.ts'
import { createListeners, waitForNews } from './redis.ts'
import type { ClusterLocation } from './redis-url.ts'
import type { Shard } from './shard.ts'
import { Shards } from './shards.ts'

type Subscription = {
  channel: string
  slot: number
  /** The master that was asked for it; undefined: none. */
  shard: Shard | undefined
  /** It has been placed before, so placing it again may have missed news. */
  wasPlaced: boolean
}

/** The bus on the sharded pub/sub of a Redis Cluster. Each master carries the projects whose channels it has. */
export function createClusterBus(
  location: ClusterLocation,
  { codec, onError }: { codec: NewsCodec; onError: (error: Error) => void },
): Bus {
  const { listeners, toChannel, hear } = createListeners(codec)
  const subscriptions = new Map<string, Subscription>()
  const reconnected = new Set<() => void>()

  /** Resolves with whether news may have been missed. The next check makes up for a failure. */
  const place = async (subscription: Subscription): Promise<boolean> => {
    const owner = shards.ownerOf(subscription.slot)
    if (owner && subscription.shard === owner) return false
    subscription.shard?.unsubscribe(subscription.channel)
    subscription.shard = undefined
    if (!owner?.canSubscribe) return false
    subscription.shard = owner
    try {
      await owner.subscribe(subscription.channel)
      const { wasPlaced } = subscription
      subscription.wasPlaced = true
      return wasPlaced
    } catch (error) {
      if (subscription.shard === owner) subscription.shard = undefined
      if (error instanceof Error) shards.noteRefusal(error)
      return false
    }
  }

  const placeAll = async () => {
    const placed = await Promise.all([...subscriptions.values()].map(place))
    if (placed.includes(true)) for (const listener of reconnected) listener()
  }

  const shards = new Shards(location, {
    onNews: hear,
    onError,
    onUnsubscribed(shard) {
      for (const subscription of subscriptions.values()) {
        if (subscription.shard === shard) subscription.shard = undefined
      }
    },
    onPlace: () => void placeAll(),
  })

  return {
    publish(event) {
      listeners.get(event.project_id)?.(event)
      const channel = toChannel(event.project_id)
      shards.ownerOf(slotOf(channel))?.publish(channel, () => codec.encode(event))
    },
    async subscribe(project_id, listener) {
      listeners.set(project_id, listener)
      const channel = toChannel(project_id)
      const subscription = { channel, slot: slotOf(channel), shard: undefined, wasPlaced: false }
      subscriptions.set(channel, subscription)
      await waitForNews(place(subscription))
    },
    unsubscribe(project_id) {
      listeners.delete(project_id)
      const channel = toChannel(project_id)
      subscriptions.get(channel)?.shard?.unsubscribe(channel)
      subscriptions.delete(channel)
    },
    onReconnected(listener) {
      reconnected.add(listener)
    },
    state() {
      const isPlaced = [...subscriptions.values()].every(({ shard }) => shard !== undefined)
      return shards.isUp && isPlaced ? 'up' : 'down'
    },
    async close() {
      listeners.clear()
      shards.close()
    },
  }
}
