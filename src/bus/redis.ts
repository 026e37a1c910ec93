import type { Redis } from 'ioredis'
import type { Bus, NewsListener } from './bus.ts'
import type { NewsCodec } from './news.ts'

/** One channel for each project. */
export function channelOf(project_id: string): string {
  return `signalbox:events:${project_id}`
}

const SUBSCRIBE_WAIT_MS = 250
/** Publishes under way; above it news is dropped, so that a hung Redis costs no memory. */
const MAX_PUBLISHES = 10_000

/** Redis pub/sub: `publisher` must not queue while offline, `subscriber` resubscribes by itself. */
export function createRedisBus(publisher: Redis, subscriber: Redis, codec: NewsCodec): Bus {
  const listeners = new Map<string, NewsListener>()
  const reconnected = new Set<() => void>()
  const prefix = channelOf('')
  let publishes = 0
  let wasReady = false

  subscriber.on('message', (channel: string, message: string) => {
    const project_id = channel.slice(prefix.length)
    const listener = listeners.get(project_id)
    const event = listener && codec.decode(project_id, message)
    if (event) listener(event)
  })
  subscriber.on('ready', () => {
    if (wasReady) for (const listener of reconnected) listener()
    wasReady = true
  })

  return {
    publish(event) {
      listeners.get(event.project_id)?.(event)
      if (publisher.status !== 'ready' || publishes >= MAX_PUBLISHES) return
      publishes++
      const done = () => {
        publishes--
      }
      publisher.publish(channelOf(event.project_id), codec.encode(event)).then(done, done)
    },
    async subscribe(project_id, listener) {
      listeners.set(project_id, listener)
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, SUBSCRIBE_WAIT_MS)
      subscriber.subscribe(channelOf(project_id)).then(
        () => resolve(),
        () => resolve(),
      )
      await promise
      clearTimeout(timer)
    },
    unsubscribe(project_id) {
      listeners.delete(project_id)
      subscriber.unsubscribe(channelOf(project_id)).catch(() => {})
    },
    onReconnected(listener) {
      reconnected.add(listener)
    },
    state: () => (subscriber.status === 'ready' && publisher.status === 'ready' ? 'up' : 'down'),
    async close() {
      listeners.clear()
      subscriber.disconnect()
      publisher.disconnect()
    },
  }
}
