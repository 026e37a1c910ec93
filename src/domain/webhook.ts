import type { EventName } from './events.ts'

/** One more in a project is refused. */
export const MAX_WEBHOOKS = 20
/** How long a secret that has been replaced goes on signing beside the new one. */
export const OLD_SECRET_HOURS = 24

/** A receiver of a project's events, as REST shows it: never its secret. */
export type Webhook = {
  id: string
  project_id: string
  url: string
  /** Null: all of them. */
  events: EventName[] | null
  is_active: boolean
  /** The number of the last event that it has got, or that it did not ask for. */
  cursor: number
  created_by: string
  created_at: string
  last_attempt_at: string | null
  last_success_at: string | null
  last_status: number | null
  last_error: string | null
  /** Since when every attempt has failed, and how many those are. */
  failing_since: string | null
  failures: number
  next_attempt_at: string
  disabled_at: string | null
}

export type WebhookTimings = {
  /** How often it is looked for what is due. */
  poll_ms: number
  /** Within which a receiver must have answered. */
  timeout_ms: number
  /** The longest wait after the first failure; it doubles with each, up to `max_wait_ms`. */
  first_wait_ms: number
  max_wait_ms: number
  /** How long a receiver may fail without a success in between. */
  disable_after_ms: number
}

export const webhookTimings: WebhookTimings = {
  poll_ms: 1_000,
  timeout_ms: 10_000,
  first_wait_ms: 2_000,
  max_wait_ms: 60 * 60 * 1000,
  disable_after_ms: 24 * 60 * 60 * 1000,
}

type Waits = Pick<WebhookTimings, 'first_wait_ms' | 'max_wait_ms'>

/** The wait after so many failures in a row, in ms: full jitter. `random` is from 0 to 1. */
export function waitAfter(failures: number, random: number, { first_wait_ms, max_wait_ms }: Waits): number {
  return random * Math.min(max_wait_ms, first_wait_ms * 2 ** (failures - 1))
}

/** What came of one attempt: `status` is the receiver's, `error` is short and shows nothing of a network. */
export type Attempt =
  | { kind: 'delivered'; status: number }
  | { kind: 'refused'; status: number; error: string }
  | { kind: 'failed'; status: null; error: string }

/** The answer by which a receiver says that it wants no more. */
export const GONE = 410
