import type { Signal, SignalKind } from '#src/domain/signal.ts'

/** What a runtime does on a signal. The signal is acknowledged when its handler has finished or thrown. */
export type Handlers<Agent> = {
  /** Without it, a pause is done when the loop waits at `checkpoint`. */
  onPause?: Handler<Agent>
  onResume?: Handler<Agent>
  /** Without it, a terminate is done when `checkpoint` has thrown or the agent is closed. In runs: when they have ended, too. */
  onTerminate?: Handler<Agent>
  /** Without it, and without `messages`, messages fail: the operator sees that this runtime takes none. */
  onMessage?: Handler<Agent>
}
type Handler<Agent> = (signal: Signal, agent: Agent) => unknown

export type Obey = (signal: Signal) => unknown
export type BoundHandlers = Partial<Record<SignalKind, Obey | undefined>>

/** Throws a TypeError if it is not clear who takes messages. */
export function bindHandlers<Agent>(
  handlers: Handlers<Agent> & { messages?: 'queue' | undefined },
  agent: Agent,
): BoundHandlers {
  const { onPause, onResume, onTerminate, onMessage, messages } = handlers
  if (messages !== undefined && messages !== 'queue')
    throw new TypeError(`messages must be 'queue' or left out, not ${JSON.stringify(messages)}`)
  if (messages && onMessage) throw new TypeError("Give either onMessage or messages: 'queue'")
  const bind = (handler: Handler<Agent> | undefined) =>
    handler && ((signal: Signal) => handler(signal, agent))
  return {
    pause: bind(onPause),
    resume: bind(onResume),
    terminate: bind(onTerminate),
    message: bind(onMessage),
  }
}
