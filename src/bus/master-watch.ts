import type { Redis } from 'ioredis'
import { MASTER_CHECK_MS, MAX_UNHEARD, ROLE_KEY_MS } from './bounds.ts'

type Writer = { connection: Redis; key: string }
type Connections = {
  publisher: Writer
  limiter: Writer
  subscriber: Redis
  /** A channel of this process alone. */
  channel: string
  onError: (error: Error) => void
}

/**
 * Checks every second that open connections lead to a master. A demoted master keeps its connections, while a proxy or a
 * name leads new ones to its successor: so a connection that leads to a replica is opened again. The subscriber cannot
 * ask, and may be on a replica: it has to hear what the publisher sends.
 */
export class MasterWatch {
  readonly #connections: Connections
  readonly #masters = new Set<Redis>()
  readonly #timer: NodeJS.Timeout
  #published = 0
  #heard = 0
  #isReported = false
  /** A connection led to a replica, so the subscriber's probably does as well. */
  #isMoving = false

  constructor(connections: Connections) {
    this.#connections = connections
    const { publisher, limiter, subscriber, channel } = connections
    for (const writer of [publisher, limiter]) {
      writer.connection.on('ready', () => void this.#ask(writer))
      writer.connection.on('close', () => this.#masters.delete(writer.connection))
    }
    subscriber.on('ready', () => {
      this.#heard = this.#published
    })
    subscriber.on('message', (heard_on: string, message: string) => {
      if (heard_on === channel) this.#heard = Number(message)
    })
    subscriber.subscribe(channel).catch(() => {})
    this.#timer = setInterval(() => void this.#check(), MASTER_CHECK_MS)
  }

  get isUp(): boolean {
    const { subscriber } = this.#connections
    const isHeard = subscriber.status === 'ready' && this.#published - this.#heard < MAX_UNHEARD
    return isHeard && this.#areMasters && !this.#isMoving
  }

  get #areMasters(): boolean {
    const { publisher, limiter } = this.#connections
    return [publisher, limiter].every(({ connection }) => this.#masters.has(connection))
  }

  /** A long turn of the event loop delays the message and its hearing alike, so it is no reason to reconnect. */
  async #check(): Promise<void> {
    const { publisher, limiter, subscriber, channel } = this.#connections
    if (subscriber.status === 'ready' && this.#published - this.#heard >= MAX_UNHEARD) {
      this.#report('Redis does not deliver to the subscriber what is published; subscribing again')
      subscriber.disconnect(true)
    }
    for (const { connection, key } of [publisher, limiter]) {
      if (connection.status !== 'ready') continue
      await this.#ask({ connection, key })
      if (connection.status !== 'ready' || this.#masters.has(connection)) continue
      this.#report('A connection leads to a replica of Redis, as after a failover; reconnecting')
      this.#isMoving = true
      connection.disconnect(true)
    }
    if (this.#isMoving && this.#areMasters) {
      // Only now: while no master can be reached, news from a replica is better than none.
      this.#isMoving = false
      subscriber.disconnect(true)
    }
    if (this.isUp) this.#isReported = false
    if (publisher.connection.status !== 'ready' || subscriber.status !== 'ready') return
    const next = this.#published + 1
    publisher.connection.publish(channel, String(next)).then(
      () => {
        this.#published = next
      },
      () => {},
    )
  }

  /** Asks for the role and writes a key, since an operator may forbid either. Other refusals say nothing about the role. */
  async #ask({ connection, key }: Writer): Promise<void> {
    const [role, written] = await Promise.allSettled([
      connection.role(),
      connection.set(key, '', 'PX', ROLE_KEY_MS),
    ])
    if (connection.status !== 'ready') return
    const isReplica = role.status === 'fulfilled' && String(role.value[0]) !== 'master'
    const isRefused =
      written.status === 'rejected' && /^(READONLY|MASTERDOWN)/.test(String(written.reason.message))
    if (isReplica || isRefused) this.#masters.delete(connection)
    else this.#masters.add(connection)
  }

  #report(message: string): void {
    if (!this.#isReported) this.#connections.onError(new Error(message))
    this.#isReported = true
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
