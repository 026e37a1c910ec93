import { Redis, type RedisOptions } from 'ioredis'
import { connectionOptions, publisherOptions, SOCKET_TIMEOUT_MS } from './connection-options.ts'
import { createSender, type Send } from './redis.ts'
import type { RedisNode } from './redis-url.ts'
import { parseSlots, type SlotRange } from './slots.ts'

export type ShardEvents = {
  onNews: (channel: string, message: string) => void
  /** All its subscriptions are gone, and may be asked for anew if `isReady`. */
  onEmpty: (isReady: boolean) => void
  /** What the node refused: a slot that it does not serve, a command that it does not know. */
  onRefused: (error: Error) => void
  onError: (error: Error) => void
}

/** One master of a cluster: a connection that publishes, and one that subscribes. */
export class Shard {
  readonly #publisher: Redis
  readonly #subscriber: Redis
  /** Drops it where the node is away. */
  readonly publish: Send

  constructor(node: RedisOptions, { onNews, onEmpty, onRefused, onError }: ShardEvents) {
    this.#publisher = new Redis({ ...node, ...publisherOptions })
    // What it subscribes to is asked for anew by the bus, which knows what has moved meanwhile.
    this.#subscriber = new Redis({
      ...node,
      ...connectionOptions,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      socketTimeout: SOCKET_TIMEOUT_MS,
    })
    this.publish = createSender(this.#publisher, 'spublish', onRefused)
    this.#subscriber.on('smessage', onNews)
    this.#subscriber.on('ready', () => onEmpty(true))
    this.#subscriber.on('close', () => onEmpty(false))
    // The node has ended or refused a subscription, since its slot is another's. ioredis does not say which.
    this.#subscriber.on('moved', () => onEmpty(false))
    for (const connection of [this.#publisher, this.#subscriber]) {
      connection.on('error', onError)
      connection.connect().catch(() => {})
    }
  }

  get isUp(): boolean {
    return this.#publisher.status === 'ready' && this.#subscriber.status === 'ready'
  }

  get canPublish(): boolean {
    return this.#publisher.status === 'ready'
  }

  get canSubscribe(): boolean {
    return this.#subscriber.status === 'ready'
  }

  /** Rejects where the node is away or does not serve the channel's slot. */
  async subscribe(channel: string): Promise<void> {
    await this.#subscriber.ssubscribe(channel)
  }

  unsubscribe(channel: string): void {
    if (this.canSubscribe) this.#subscriber.sunsubscribe(channel).catch(() => {})
  }

  /** Has both connections owe an answer: a node that hangs is found by `socketTimeout`. */
  probe(): void {
    for (const connection of [this.#publisher, this.#subscriber]) connection.ping().catch(() => {})
  }

  async readSlots(node: RedisNode): Promise<SlotRange[]> {
    return parseSlots(await this.#publisher.cluster('SLOTS'), node)
  }

  close(): void {
    this.#subscriber.disconnect()
    this.#publisher.disconnect()
  }
}
