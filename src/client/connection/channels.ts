import { MAX_AGENTS, MAX_SUBSCRIPTIONS } from '#src/protocol/bounds.ts'
import type { Frame } from './socket.ts'
import type { ConnectionState } from './state.ts'

/** The server's limits for one socket; one more throws a RangeError. */
const most = { watches: MAX_SUBSCRIPTIONS, agents: MAX_AGENTS } as const

/** A watch of a project, or an agent, on a connection. */
export type Channel = {
  readonly kind: keyof typeof most
  /** A socket has opened, on which the server does not know this channel yet. */
  opened(): void
  changed(state: ConnectionState): void
  take(frame: Frame): void
}

/** The channels of a connection, each with its key: the id of the project or the agent, which is in its frames. */
export class Channels {
  readonly #keys = new Map<Channel, string>()
  readonly #byKey = new Map<string, Channel>()

  get isEmpty(): boolean {
    return this.#keys.size === 0
  }

  /** As they are now: a channel may join or leave while the caller loops. */
  list(): Channel[] {
    return [...this.#keys.keys()]
  }

  has(channel: Channel): boolean {
    return this.#keys.has(channel)
  }

  hasKey(key: string): boolean {
    return this.#byKey.has(key)
  }

  add(channel: Channel, key: string): void {
    if (this.hasKey(key)) throw new Error(`${key} is already on this connection`)
    const { kind } = channel
    const alike = this.list().filter((other) => other.kind === kind).length
    if (alike >= most[kind])
      throw new RangeError(`A connection carries at most ${most[kind]} ${kind}: open another one`)
    this.#set(channel, key)
  }

  /** Another channel with the key has been replaced. */
  rename(channel: Channel, key: string): void {
    const before = this.#keys.get(channel)
    if (before === undefined || before === key) return
    this.#byKey.get(key)?.take({ type: 'detached', agent_id: key, reason: 'replaced' })
    this.#byKey.delete(before)
    this.#set(channel, key)
  }

  delete(channel: Channel): void {
    const key = this.#keys.get(channel)
    if (key !== undefined) this.#byKey.delete(key)
    this.#keys.delete(channel)
  }

  clear(): void {
    this.#keys.clear()
    this.#byKey.clear()
  }

  /** Gives a frame to the channel that it is for. */
  route(frame: Frame): void {
    const key = 'project_id' in frame ? frame.project_id : 'agent_id' in frame ? frame.agent_id : ''
    this.#byKey.get(key)?.take(frame)
  }

  #set(channel: Channel, key: string): void {
    this.#keys.set(channel, key)
    this.#byKey.set(key, channel)
  }
}
