import slotOf from 'cluster-key-slot'
import type { Bus } from './bus.ts'
import type { NewsCodec } from './news.ts'
import { channelOf, createListeners, waitForNews } from './redis.ts'
import type { ClusterLocation } from './redis-url.ts'
import type { Shard } from './shard.ts'
import { Shards } from './shards.ts'

type Subscription = {
  channel: string
  slot: number
  /** Where it has been asked for; undefined: nowhere. */
  shard: Shard | undefined
  /** It has brought news before: what is placed again may have missed some. */
  wasPlaced: boolean
}

/**
 * Sharded pub/sub of a Redis Cluster: a project's channel lies on one master, so each master carries its share. Not
 * ioredis's own: that forgets a subscription that a node refuses for a moment, and waits for all nodes to restore one.
 */
export function createClusterBus(
  location: ClusterLocation,
  { codec, onError }: { codec: NewsCodec; onError: (error: Error) => void },
): Bus {
  const { listeners, hear } = createListeners(codec)
  const subscriptions = new Map<string, Subscription>()
  const reconnected = new Set<() => void>()

  /** Resolves with whether news may have been missed before; a failure is left to the next check. */
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
    onEmpty(shard) {
      for (const subscription of subscriptions.values()) {
        if (subscription.shard === shard) subscription.shard = undefined
      }
    },
    onPlace: () => void placeAll(),
  })

  return {
    publish(event) {
      listeners.get(event.project_id)?.(event)
      const channel = channelOf(event.project_id)
      shards.ownerOf(slotOf(channel))?.publish(channel, () => codec.encode(event))
    },
    async subscribe(project_id, listener) {
      listeners.set(project_id, listener)
      const channel = channelOf(project_id)
      const subscription = { channel, slot: slotOf(channel), shard: undefined, wasPlaced: false }
      subscriptions.set(channel, subscription)
      await waitForNews(place(subscription))
    },
    unsubscribe(project_id) {
      listeners.delete(project_id)
      const channel = channelOf(project_id)
      subscriptions.get(channel)?.shard?.unsubscribe(channel)
      subscriptions.delete(channel)
    },
    onReconnected(listener) {
      reconnected.add(listener)
    },
    state() {
      const isHeard = [...subscriptions.values()].every(({ shard }) => shard !== undefined)
      return shards.isUp && isHeard ? 'up' : 'down'
    },
    async close() {
      listeners.clear()
      shards.close()
    },
  }
}
