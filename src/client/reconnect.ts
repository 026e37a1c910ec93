import { closeCodes } from '#src/protocol/close-codes.ts'
import type { ClosedReason } from './errors.ts'

/** Milliseconds: the most that the first wait may take, and any wait. */
export type Backoff = { first_ms: number; max_ms: number }

export const defaultBackoff: Backoff = { first_ms: 500, max_ms: 30_000 }

/** Full jitter: anything up to twice as much after each failure, so that those who lost a server spread out. */
export function backoffMs(attempt: number, { first_ms, max_ms }: Backoff, random: number): number {
  return random * Math.min(max_ms, first_ms * 2 ** attempt)
}

/** The server counts a client's messages over so long: back sooner, it would be refused again. */
const LATER_MS = 10_000

type Wording = (typeof closeCodes)[keyof typeof closeCodes]['reconnect']
type Rule = 'never' | 'backoff' | 'later' | 'new_token'

/** What the protocol's table of close codes says of coming back. */
const rules = {
  no: 'never',
  yes: 'backoff',
  'yes, with after': 'backoff',
  'after retry_after_ms': 'backoff',
  'with a new token': 'new_token',
  later: 'later',
} as const satisfies Record<Wording, Rule>

/** Codes of WebSocket itself that say that coming back would end in the same way. */
const unspoken: Record<number, Rule> = { 1002: 'never', 1007: 'never', 1008: 'never' }

const byCode: Record<number, Rule> = {
  ...unspoken,
  ...Object.fromEntries(Object.values(closeCodes).map(({ code, reconnect }) => [code, rules[reconnect]])),
}

/** How a socket ended. `retry_after_ms`: what the server's goodbye asked for. */
export type Closing = { code: number; retry_after_ms?: number | undefined }
export type Plan =
  | { kind: 'retry'; delay_ms: number; needs_token: boolean }
  | { kind: 'give_up'; reason: ClosedReason }

/** `attempt` counts the failures in a row before this one; `random` is from 0 to 1. */
export function planReconnect(
  closing: Closing,
  attempt: number,
  { backoff, random }: { backoff: Backoff; random: number },
): Plan {
  const rule = byCode[closing.code] ?? 'backoff'
  if (rule === 'never') return { kind: 'give_up', reason: 'protocol' }
  const wait = backoffMs(attempt, backoff, random)
  const delay_ms = closing.retry_after_ms ?? (rule === 'later' ? LATER_MS + wait : wait)
  return { kind: 'retry', delay_ms, needs_token: rule === 'new_token' }
}
