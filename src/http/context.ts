import type { Authentication } from '#src/auth/authenticate.ts'
import type { TokenKeys } from '#src/auth/tokens.ts'
import type { CommandContext } from '#src/commands/context.ts'
import type { ProjectTurns } from '#src/commands/project-turns.ts'
import type { WebhookTests } from '#src/commands/webhook-tests.ts'
import type { WebhookContext } from '#src/commands/webhooks.ts'
import type { ProjectOperation } from '#src/domain/access.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import type { LimitSignIn } from './sign-in-limit.ts'

/** Starts a project's live stream; undefined if the project is unknown. Refuses with `rate_limited`. */
export type OpenEventStream = (
  project_id: string,
  reader: {
    after: { seq: number; epoch?: number | undefined } | undefined
    authentication: Authentication
    /** The limit key (`toLimitKey`), not the whole address. */
    address: string
  },
) => Promise<AsyncIterable<string> | undefined>

/** The answer of a long poll; without one, when to ask again although nothing new came. */
export type PollAnswer<Answer> = { answer: Answer } | { due_ms: number | undefined }

type Poll = {
  project_id: string
  agent_id: string
  wait_seconds: number
  authentication: Authentication
  /** The right that the caller must keep while it waits. */
  operation: ProjectOperation
  /** The limit key. */
  address: string
  /** Aborts when the caller has left. */
  gone: AbortSignal
}

/** What the process does for runtimes that speak HTTP. */
export type HttpRuntimes = {
  /** Undefined after `wait_seconds`. Refuses with `rate_limited`, and once the caller may no longer wait. */
  poll: <Answer>(poll: Poll, ask: () => Promise<PollAnswer<Answer>>) => Promise<Answer | undefined>
  /** Counts a delivery. */
  sent: (signal: Pick<SignalRecord, 'kind' | 'attempt'>) => void
  reported: (outcome: 'applied' | 'status_rejected') => void
}

export type HttpContext = CommandContext & {
  keys: TokenKeys
  turns: ProjectTurns
  isAllowedAddress: WebhookContext['isAllowedAddress']
  webhookTests: WebhookTests
  limitSignIn: LimitSignIn
  openEventStream: OpenEventStream
  runtimes: HttpRuntimes
}
