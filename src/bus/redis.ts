import type { Redis } from 'ioredis'
import type { Bus, NewsListener } from './bus.ts'
import type { NewsCodec } from './news.ts'

/** One channel for each project. */
export function channelOf(project_id: string): string {
  return `signalbox:events:${project_id}`
}

const SUBSCRIBE_WAIT_MS = 250
/** Publishes under way on a connection; above it news is dropped, so that a hung Redis costs no memory. */
const MAX_PUBLISHES = 10_000

export type Send = (channel: string, encode: () => string) => void

/** Encodes and sends news unless the connection is away or owes too many answers; never waits, and never throws. */
export function createSender(
  publisher: Redis,
  command: 'publish' | 'spublish',
  onRefused: (error: Error) => void = () => {},
): Send {
  let publishes = 0
  return (channel, encode) => {
    if (publisher.status !== 'ready' || publishes >= MAX_PUBLISHES) return
    publishes++
    publisher[command](channel, encode()).then(
      () => {
        publishes--
      },
      (error: Error) => {
        publishes--
        onRefused(error)
      },
    )
  }
}

/** Resolves when `subscribed` is settled, or when waiting for that has taken too long. */
export async function waitForNews(subscribed: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, SUBSCRIBE_WAIT_MS)
  subscribed.then(
    () => resolve(),
    () => resolve(),
  )
  await promise
  clearTimeout(timer)
}

/** The listeners of this process, and what they are told. */
export function createListeners(codec: NewsCodec) {
  const listeners = new Map<string, NewsListener>()
  const prefix = channelOf('')
  const hear = (channel: string, message: string) => {
    const project_id = channel.slice(prefix.length)
    const listener = listeners.get(project_id)
    const event = listener && codec.decode(project_id, message)
    if (event) listener(event)
  }
  return { listeners, hear }
}

/** Redis pub/sub: `publisher` must not queue while offline, `subscriber` resubscribes by itself. */
export function createRedisBus(publisher: Redis, subscriber: Redis, codec: NewsCodec): Bus {
  const { listeners, hear } = createListeners(codec)
  const reconnected = new Set<() => void>()
  const send = createSender(publisher, 'publish')
  let wasReady = false

  subscriber.on('message', hear)
  subscriber.on('ready', () => {
    if (wasReady) for (const listener of reconnected) listener()
    wasReady = true
  })

  return {
    publish(event) {
      listeners.get(event.project_id)?.(event)
      send(channelOf(event.project_id), () => codec.encode(event))
    },
    async subscribe(project_id, listener) {
      listeners.set(project_id, listener)
      await waitForNews(subscriber.subscribe(channelOf(project_id)))
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
