import type { Redis } from 'ioredis'
import { MAX_PUBLISHES, SUBSCRIBE_WAIT_MS } from './bounds.ts'
import type { Bus, NewsListener } from './bus.ts'
import type { MasterWatch } from './master-watch.ts'
import { channelOf, type NewsCodec } from './news.ts'

export type Send = (channel: string, encode: () => string) => void

/** Publishes news, or drops it where the connection is away or owes too many answers. Never waits and never throws. */
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

/** Resolves when `subscribed` is settled, or after SUBSCRIBE_WAIT_MS. */
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

/** The listeners of this process, by project, and what hands them news. */
export function createListeners(codec: NewsCodec) {
  const listeners = new Map<string, NewsListener>()
  const toChannel = (project_id: string) => channelOf(codec.deployment, project_id)
  const prefix = toChannel('')
  const hear = (channel: string, message: string) => {
    const project_id = channel.slice(prefix.length)
    const listener = listeners.get(project_id)
    const event = listener && codec.decode(project_id, message)
    if (event) listener(event)
  }
  return { listeners, toChannel, hear }
}

/** The bus on Redis pub/sub. `publisher` must not queue while offline; `subscriber` must resubscribe by itself. */
export function createRedisBus(
  { publisher, subscriber, watch }: { publisher: Redis; subscriber: Redis; watch: MasterWatch },
  codec: NewsCodec,
): Bus {
  const { listeners, toChannel, hear } = createListeners(codec)
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
      send(toChannel(event.project_id), () => codec.encode(event))
    },
    async subscribe(project_id, listener) {
      listeners.set(project_id, listener)
      await waitForNews(subscriber.subscribe(toChannel(project_id)))
    },
    unsubscribe(project_id) {
      listeners.delete(project_id)
      subscriber.unsubscribe(toChannel(project_id)).catch(() => {})
    },
    onReconnected(listener) {
      reconnected.add(listener)
    },
    state: () => (watch.isUp ? 'up' : 'down'),
    async close() {
      listeners.clear()
      watch.close()
      subscriber.disconnect()
      publisher.disconnect()
    },
  }
}
