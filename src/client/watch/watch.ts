import type { Channel } from '#src/client/connection/channels.ts'
import { type Connection, type Reach, reach } from '#src/client/connection/connection.ts'
import { Emitter } from '#src/client/connection/emitter.ts'
import { ClosedError, type ClosedReason, endingOf } from '#src/client/connection/errors.ts'
import type { Frame } from '#src/client/connection/socket.ts'
import { type ConnectionState, isSameState, type LinkState, linkState } from '#src/client/connection/state.ts'
import { FIRST_EPOCH } from '#src/domain/events.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { Fleet, type FleetEvents, type ResetReason } from './fleet.ts'
import { Reader } from './reader.ts'

/** The first item is a reset; then each event follows once, across disconnects and restarts of servers. */
export type WatchItem = EventFrame | ({ type: 'reset' } & FleetEvents['reset'])

export type WatchOptions = Reach & {
  project_id: string
  /** Events that one reader may leave unread (10,000). After one more, it gets a reset in their place. */
  max_unread?: number
}

const MAX_UNREAD = 10_000
/** How long to wait before asking again a server that could not answer. */
const ASK_AGAIN_MS = 1_000

type Subscribed = Extract<ServerMessage, { type: 'subscribed' }>

/** Follows one project live: its agents in `fleet`, its events by `for await`. */
export class Watch implements AsyncIterable<WatchItem> {
  readonly project_id: string
  readonly fleet = new Fleet()
  readonly #connection: Connection
  readonly #channel: Channel
  readonly #maxUnread: number
  readonly #readers = new Set<Reader<WatchItem, ResetReason>>()
  readonly #emitter = new Emitter<{ state: LinkState }>()
  #state: LinkState = { kind: 'connecting' }
  /** Whether the server has answered on this socket; frames before that belong to an earlier subscription. */
  #isFollowing = false
  /** The watch is live once it has this event. */
  #target = 0
  #again: ReturnType<typeof setTimeout> | undefined

  /** @internal */
  constructor(connection: Connection, { project_id, max_unread = MAX_UNREAD }: WatchOptions) {
    this.project_id = project_id.toLowerCase()
    this.#connection = connection
    this.#maxUnread = max_unread
    this.#channel = {
      kind: 'watches',
      opened: () => this.#subscribe(),
      changed: (state) => this.#changed(state),
      take: (frame) => this.#take(frame),
    }
    connection.join(this.#channel, this.project_id)
  }

  get state(): LinkState {
    return this.#state
  }

  /** Returns a function that removes the listener. */
  on(name: 'state', listener: (state: LinkState) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  /** Resolves when the watch is live; rejects with a ClosedError when it has ended. */
  whenLive(): Promise<this> {
    const { promise, resolve, reject } = Promise.withResolvers<this>()
    const look = (state: LinkState) => {
      if (state.kind === 'live') resolve(this)
      else if (state.kind === 'closed') reject(state.error)
      else return
      stop()
    }
    const stop = this.on('state', look)
    look(this.#state)
    return promise
  }

  /** Every reader gets every item. It throws a ClosedError if the watch ends other than by `close`. */
  [Symbol.asyncIterator](): AsyncIterableIterator<WatchItem> {
    const reader = new Reader<WatchItem, ResetReason>({
      maxUnread: this.#maxUnread,
      overflow: 'reader_too_slow',
      makeReset: (reason) => ({
        type: 'reset',
        reason,
        seq: this.fleet.seq ?? 0,
        epoch: this.fleet.epoch ?? FIRST_EPOCH,
        agents: new Map(this.fleet.agents),
      }),
      onReturn: () => this.#readers.delete(reader),
    })
    if (this.fleet.seq !== undefined) reader.reset('start')
    if (this.#state.kind === 'closed') reader.end(this.#failure(this.#state.error))
    else this.#readers.add(reader)
    return reader
  }

  /** Ends the watch, and its connection unless that is shared. */
  close(): void {
    if (this.#state.kind === 'closed') return
    this.#connection.send({ type: 'unsubscribe', project_id: this.project_id })
    this.#end('requested')
  }

  #subscribe(): void {
    clearTimeout(this.#again)
    this.#isFollowing = false
    this.fleet.abandon()
    const { project_id } = this
    const { seq: after, epoch } = this.fleet
    // The first epoch is the default, also for servers from before epochs.
    const from = epoch === FIRST_EPOCH ? { after } : { after, epoch }
    this.#connection.send({ type: 'subscribe', project_id, ...from }, (reply) => {
      if (this.#state.kind === 'closed') return
      if (reply.type === 'subscribed') this.#subscribed(reply)
      else if (reply.type === 'error') this.#refused(reply)
    })
    this.#update()
  }

  #subscribed({ seq, epoch = FIRST_EPOCH, resumed, reason, holds, budgets }: Subscribed): void {
    this.#isFollowing = true
    this.#target = seq
    if (resumed) this.fleet.resume(epoch)
    else this.fleet.begin({ seq, epoch, ...(reason && { reason }) })
    this.fleet.setStops({ holds, budgets })
    this.#update()
  }

  #refused(refusal: Extract<ServerMessage, { type: 'error' }>): void {
    const reason = endingOf(refusal.code)
    if (reason) this.#end(reason, refusal.message)
    else this.#again = setTimeout(() => this.#subscribe(), ASK_AGAIN_MS)
  }

  #take(frame: Frame): void {
    if (frame.type === 'unsubscribed' && frame.reason !== 'requested') this.#end(frame.reason ?? 'forbidden')
    if (!this.#isFollowing) return
    if (frame.type === 'event') this.#apply(frame)
    else if (frame.type === 'subscribed') this.#subscribed(frame)
    else if (frame.type === 'snapshot') {
      const reason = this.fleet.addPage(frame.agents, frame.last)
      if (reason) for (const reader of this.#readers) reader.reset(reason)
      this.#update()
    }
  }

  #apply(event: EventFrame): void {
    const place = this.fleet.apply(event)
    if (place === 'gap') return this.#subscribe()
    if (place === 'next') for (const reader of this.#readers) reader.push(event)
    if (this.#state.kind !== 'live') this.#update()
  }

  #changed(connection: ConnectionState): void {
    this.#isFollowing = false
    clearTimeout(this.#again)
    if (connection.kind === 'closed') this.#end(connection.reason, connection.error)
    else this.#become(linkState(connection, false))
  }

  #update(): void {
    const isCurrent = this.#isFollowing && (this.fleet.seq ?? -1) >= this.#target
    this.#become(linkState(this.#connection.state, isCurrent))
  }

  #end(reason: ClosedReason, cause?: unknown): void {
    if (this.#state.kind === 'closed') return
    clearTimeout(this.#again)
    this.#isFollowing = false
    const error = cause instanceof ClosedError ? cause : new ClosedError(reason, cause)
    // Leave before the listeners hear of the end: one of them may open another watch of the project.
    this.#connection.leave(this.#channel)
    this.#become({ kind: 'closed', reason, error })
    for (const reader of this.#readers) reader.end(this.#failure(error))
    this.#readers.clear()
  }

  #failure(error: ClosedError): ClosedError | undefined {
    return error.reason === 'requested' ? undefined : error
  }

  /** A closed watch stays closed: a listener may have closed it during a change of state. */
  #become(state: LinkState): void {
    if (this.#state.kind === 'closed' || isSameState(state, this.#state)) return
    this.#state = state
    this.#emitter.emit('state', state)
  }
}

/** Follows a project until the watch is closed, on the given `connection` or on a new one. */
export function watchProject(options: WatchOptions): Watch {
  return new Watch(reach(options), options)
}
