import type { EventName } from './events.ts'
import { fullJitter } from './full-jitter.ts'

/** One more in a project is refused. */
export const MAX_WEBHOOKS = 20
/** How long a replaced secret also signs. */
export const OLD_SECRET_HOURS = 24

export const webhookFormats = ['signalbox', 'slack', 'cloudevents'] as const
/** What the requests to a receiver look like. */
export type WebhookFormat = (typeof webhookFormats)[number]

/** A receiver of a project's events, as REST shows it: never its secret. */
export type Webhook = {
  id: string
  project_id: string
  url: string
  /** Null: all events. */
  events: EventName[] | null
  /** Null: events of all agents, and those of the project itself. */
  selector: string | null
  format: WebhookFormat
  is_active: boolean
  /** The number of the last event that was delivered or not asked for. */
  cursor: number
  created_by: string
  created_at: string
  last_attempt_at: string | null
  last_success_at: string | null
  last_status: number | null
  last_error: string | null
  /** Every attempt since then has failed; `failures` counts them. */
  failing_since: string | null
  failures: number
  next_attempt_at: string
  disabled_at: string | null
}

export type WebhookTimings = {
  /** How often a server looks for due deliveries. */
  poll_ms: number
  /** How long a receiver may take to answer. */
  timeout_ms: number
  /** The longest wait after the first failure; it doubles with each, up to `max_wait_ms`. */
  first_wait_ms: number
  max_wait_ms: number
  /** How long a receiver may fail without a success in between, not counting the time in which no server tried. */
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

/** The wait in ms after a number of failures in a row, with full jitter. `random` is from 0 to 1. */
export function waitAfter(failures: number, random: number, { first_wait_ms, max_wait_ms }: Waits): number {
  return fullJitter(failures - 1, { first_ms: first_wait_ms, max_ms: max_wait_ms }, random)
}

/** The outcome of one attempt. `status` is the receiver's; `error` reveals nothing about the network. */
export type Attempt =
  | { kind: 'delivered'; status: number }
  | { kind: 'refused'; status: number; error: string }
  | { kind: 'failed'; status: null; error: string }

/** What a test has shown. `status` is the receiver's; null without an answer. */
export type WebhookTest = {
  delivered: boolean
  status: number | null
  error: string | null
  duration_ms: number
}

/** A receiver's answer that ends its subscription. */
export const GONE = 410
