import type { Channel } from '#src/client/connection/channels.ts'
import type { Connection } from '#src/client/connection/connection.ts'
import { Emitter } from '#src/client/connection/emitter.ts'
import { ClosedError, type ClosedReason, endingOf } from '#src/client/connection/errors.ts'
import type { Frame, Outgoing, Reply } from '#src/client/connection/socket.ts'
import { type ConnectionState, isSameState, type LinkState, linkState } from '#src/client/connection/state.ts'
import type { Agent } from '#src/domain/agent.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { Introduction } from './introduction.ts'

/** How long to wait before asking again a server that could not answer. */
const ASK_AGAIN_MS = 1_000

export type Attached = Extract<ServerMessage, { type: 'attached' }>
type Refusal = Extract<ServerMessage, { type: 'error' }>

type Events = {
  /** `isOther`: it is another agent than before. */
  attached: (attached: Attached, isOther: boolean) => void
  /** The socket has ended: no replies come any more. */
  lost: () => void
  take: (frame: Frame) => void
  /** The link has left its connection, and its listeners do not know that yet. */
  ended: (error: ClosedError) => void
  /** Whether no other agent will do, since this one is ending. */
  isBound: () => boolean
}

/** Keeps one agent attached, on one socket after another, until it is closed or refused. */
export class AgentLink {
  readonly #connection: Connection
  readonly #introduction: Introduction
  readonly #events: Events
  readonly #channel: Channel
  readonly #emitter = new Emitter<{ state: LinkState }>()
  #state: LinkState = { kind: 'connecting' }
  #details: Agent | undefined
  #registered: Attached['registered']
  #isAttached = false
  #again: ReturnType<typeof setTimeout> | undefined

  constructor(connection: Connection, introduction: Introduction, events: Events) {
    this.#connection = connection
    this.#introduction = introduction
    this.#events = events
    this.#channel = {
      kind: 'agents',
      opened: () => this.#attach(),
      changed: (state) => this.#changed(state),
      take: (frame) => this.#take(frame),
    }
  }

  /** Throws if the agent is on this connection already, or the connection is full. */
  start(): void {
    this.#connection.join(this.#channel, this.#introduction.agent_id ?? this.#introduction.name)
  }

  get state(): LinkState {
    return this.#state
  }

  get isAttached(): boolean {
    return this.#isAttached
  }

  /** The agent at its last attach. */
  get details(): Agent | undefined {
    return this.#details
  }

  /** Whether the server created the agent when it was first attached, or found it; undefined without a registration. */
  get registered(): Attached['registered'] {
    return this.#registered
  }

  on(name: 'state', listener: (state: LinkState) => void): () => void {
    return this.#emitter.on(name, listener)
  }

  send(message: Outgoing, onReply: Reply): void {
    this.#connection.send(message, onReply)
  }

  /** Says what the runtime can do now, if the server does not know that yet. */
  announce(): void {
    if (!this.#isAttached || !this.#introduction.hasNews) return
    this.#connection.send(this.#introduction.write({ by_id: true }), (reply) => {
      if (reply.type === 'attached') this.#details = reply.agent
    })
  }

  end(reason: ClosedReason, cause?: unknown): void {
    if (this.#state.kind === 'closed') return
    clearTimeout(this.#again)
    this.#isAttached = false
    const error = cause instanceof ClosedError ? cause : new ClosedError(reason, cause)
    const { agent_id } = this.#introduction
    if (reason === 'requested' && agent_id) this.#connection.send({ type: 'detach', agent_id })
    // Leave before the listeners hear of the end: one of them may run the agent again.
    this.#connection.leave(this.#channel)
    this.#events.ended(error)
    this.#become({ kind: 'closed', reason, error })
  }

  #attach({ by_id = this.#events.isBound(), isBare = false } = {}): void {
    clearTimeout(this.#again)
    const asked = this.#introduction.write({ by_id, isBare })
    this.#connection.send(asked, (reply) => {
      if (this.#state.kind === 'closed') this.#release(reply)
      else if (reply.type === 'attached') this.#attached(reply)
      else if (reply.type === 'error') this.#refused(reply, asked.type)
    })
    this.#become(linkState(this.#connection.state, false))
  }

  #attached(attached: Attached): void {
    const { agent } = attached
    const isOther = this.#introduction.found(agent.id)
    // A listener of the agent that is replaced there may close this one.
    this.#connection.rename(this.#channel, agent.id)
    if (this.#state.kind === 'closed') return
    this.#details = agent
    this.#registered ??= attached.registered
    this.#isAttached = true
    this.#events.attached(attached, isOther)
    this.#become({ kind: 'live' })
    this.announce()
  }

  /** A name that is refused may still belong to the agent from before, such as one that was terminated since. */
  #refused({ code, message, field }: Refusal, asked: 'attach' | 'register'): void {
    const reason = endingOf(code)
    const isOlder = asked === 'attach' && message === 'Unknown field'
    if (isOlder && (field === 'capabilities' || field === 'client'))
      this.#attach({ by_id: true, isBare: true })
    else if (!reason) this.#again = setTimeout(() => this.#attach(), ASK_AGAIN_MS)
    else if (asked === 'register' && this.#introduction.agent_id) this.#attach({ by_id: true })
    else this.end(reason, field === undefined ? message : `${field}: ${message}`)
  }

  /** The link was closed before the server said which agent it has. */
  #release(reply: ServerMessage): void {
    if (reply.type !== 'attached') return
    const { agent_id } = reply
    const isRunAgain = this.#connection.has(agent_id) || this.#connection.has(this.#introduction.name)
    if (!isRunAgain) this.#connection.send({ type: 'detach', agent_id })
  }

  #take(frame: Frame): void {
    if (frame.type === 'detached' && frame.reason !== 'requested') this.end(frame.reason)
    else this.#events.take(frame)
  }

  #changed(connection: ConnectionState): void {
    this.#isAttached = false
    clearTimeout(this.#again)
    this.#events.lost()
    if (connection.kind === 'closed') this.end(connection.reason, connection.error)
    else this.#become(linkState(connection, false))
  }

  /** A closed link stays closed: a listener may have closed it during a change of state. */
  #become(state: LinkState): void {
    if (this.#state.kind === 'closed' || isSameState(state, this.#state)) return
    this.#state = state
    this.#emitter.emit('state', state)
  }
}
