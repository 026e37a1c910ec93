import type { Answer, Question } from '#src/client/agent/question.ts'
import { keyOf, type RpcId, type RpcParams } from './acp-lines.ts'

type Ask = (question: Question) => Promise<Answer>
type Outcome = { outcome: 'selected'; optionId: string } | { outcome: 'cancelled' }

type Waiting = { id: RpcId; sessionId: string | undefined; asking: AbortController }

/** A tool's arguments beyond this are not shown: the server takes 16 KiB, names included. */
const MAX_ARGUMENTS = 12 * 1024
/** The server takes as many options, with labels as long, and messages as long. */
const MAX_OPTIONS = 8
const optionId = /^\P{C}{1,64}$/u
const MAX_LABEL = 100
const MAX_MESSAGE = 4_000
const MAX_NAME = 255

const kinds = ['allow_once', 'allow_always', 'reject_once', 'reject_always'] as const

/**
 * What the agent asks its client, it also asks the people of Signalbox. The first answer counts: after the client's the
 * question is withdrawn, and after a person's the client is told to forget it, and what it still says is dropped.
 */
export class Permissions {
  readonly #ask: Ask
  /** Answers the agent, and tells the client to forget the question. */
  readonly #decide: (id: RpcId, outcome: Outcome) => void
  readonly #waiting = new Map<string, Waiting>()
  readonly #decided = new Set<string>()

  constructor(ask: Ask, decide: (id: RpcId, outcome: Outcome) => void) {
    this.#ask = ask
    this.#decide = decide
  }

  asked(id: RpcId, params: RpcParams): void {
    const key = keyOf(id)
    const waiting = { id, sessionId: params.sessionId, asking: new AbortController() }
    this.#waiting.set(key, waiting)
    // A question that Signalbox cannot take is still the client's to answer.
    this.#ask({ ...toQuestion(params), signal: waiting.asking.signal }).then(
      (answer) => this.#answered(waiting, toOutcome(answer, params)),
      () => {},
    )
  }

  /** Whether the client's answer goes on to the agent: no other was first. */
  takesFromClient(id: RpcId): boolean {
    const key = keyOf(id)
    if (this.#decided.delete(key)) return false
    this.#withdraw(key)
    return true
  }

  /** The agent takes its question back. */
  cancelledByAgent(id: RpcId): void {
    this.#withdraw(keyOf(id))
  }

  /** An interrupt answers what the session asks, as the protocol wants it of a client that cancels. */
  cancelAll(sessionId: string): void {
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.sessionId !== sessionId) continue
      this.#answered(waiting, { outcome: 'cancelled' })
      waiting.asking.abort()
    }
  }

  end(): void {
    for (const key of [...this.#waiting.keys()]) this.#withdraw(key)
  }

  #answered({ id }: Waiting, outcome: Outcome): void {
    if (!this.#waiting.delete(keyOf(id))) return
    this.#decided.add(keyOf(id))
    this.#decide(id, outcome)
  }

  #withdraw(key: string): void {
    this.#waiting.get(key)?.asking.abort()
    this.#waiting.delete(key)
  }
}

type Option = RpcParams['options'][number]

/** The options that people get, by their ids: the agent's own, or numbers where Signalbox does not take those. */
function toShown(options: readonly Option[]): Map<string, Option> {
  const shown = options.slice(0, MAX_OPTIONS)
  const byOwnId = new Map(shown.map((option) => [option.optionId, option]))
  const isTaken = byOwnId.size === shown.length && [...byOwnId.keys()].every((id) => optionId.test(id))
  return isTaken ? byOwnId : new Map(shown.map((option, place) => [String(place + 1), option]))
}

function toQuestion({ toolCall, title, options }: RpcParams): Question {
  const { toolCallId = '', name, kind, title: toolTitle, rawInput = {} } = toolCall ?? {}
  const message = (title ?? toolTitle ?? '').trim() || 'The agent asks for permission'
  const isSmall = JSON.stringify(rawInput).length <= MAX_ARGUMENTS
  const tool_call = {
    id: toolCallId.slice(0, MAX_NAME),
    name: (name ?? kind ?? 'tool').slice(0, MAX_NAME) || 'tool',
    arguments: isSmall ? rawInput : {},
  }
  return {
    reason: 'tool_call',
    message: message.slice(0, MAX_MESSAGE),
    ...(toolCall && { tool_call: tool_call as NonNullable<Question['tool_call']> }),
    ...(options.length > 0 && {
      options: [...toShown(options)].map(([id, option]) => ({
        id,
        label: option.name.slice(0, MAX_LABEL) || option.optionId.slice(0, MAX_LABEL),
        kind: kinds.find((one) => one === option.kind) ?? 'other',
      })),
    }),
  }
}

/** A no without an option is the first one that rejects. */
function toOutcome({ status, option }: Answer, { options }: RpcParams): Outcome {
  const chosen =
    status === 'resolved'
      ? toShown(options).get(option ?? '')
      : options.find(({ kind }) => kind === 'reject_once' || kind === 'reject_always')
  return chosen ? { outcome: 'selected', optionId: chosen.optionId } : { outcome: 'cancelled' }
}
