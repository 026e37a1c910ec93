import { Redis, type RedisOptions } from 'ioredis'
import { SOCKET_TIMEOUT_MS } from './bounds.ts'
import { connectionOptions, publisherOptions } from './connection-options.ts'
import { createSender, type Send } from './redis.ts'
import type { RedisNode } from './redis-url.ts'
import { parseSlots, type SlotRange } from './slots.ts'

export type ShardEvents = {
  onNews: (channel: string, message: string) => void
  /** All its subscriptions are gone. `isReady`: they may be made again. */
  onUnsubscribed: (isReady: boolean) => void
  /** The node refused a command: it does not serve the slot, or does not know the command. */
  onRefused: (error: Error) => void
  onError: (error: Error) => void
}

/** One master of a cluster, with a connection to publish and one to subscribe. */
export class Shard {
  readonly #publisher: Redis
  readonly #subscriber: Redis
  /** Drops the news where the node is away. */
  readonly publish: Send

  constructor(node: RedisOptions, { onNews, onUnsubscribed, onRefused, onError }: ShardEvents) {
    this.#publisher = new Redis({ ...node, ...publisherOptions })
    // The bus subscribes again itself, since it knows which slots have moved.
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
    this.#subscriber.on('ready', () => onUnsubscribed(true))
    this.#subscriber.on('close', () => onUnsubscribed(false))
    // The node ended or refused a subscription, since another node has its slot. ioredis does not say which one.
    this.#subscriber.on('moved', () => onUnsubscribed(false))
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

  /** Rejects where the node is away, or does not serve the channel's slot. */
  async subscribe(channel: string): Promise<void> {
    await this.#subscriber.ssubscribe(channel)
  }

  unsubscribe(channel: string): void {
    if (this.canSubscribe) this.#subscriber.sunsubscribe(channel).catch(() => {})
  }

  /** Makes both connections owe an answer, so that `socketTimeout` closes those to a node that hangs. */
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
