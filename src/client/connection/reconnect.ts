import { type Backoff, fullJitter } from '#src/domain/full-jitter.ts'
import { closeCodes } from '#src/protocol/close-codes.ts'
import type { ClosedReason, OfflineError } from './errors.ts'

export const defaultBackoff: Backoff = { first_ms: 500, max_ms: 30_000 }

/** The server counts messages over this window: a client that returns sooner would be refused again. */
const LATER_MS = 10_000

type Wording = (typeof closeCodes)[keyof typeof closeCodes]['reconnect']
type Rule = 'never' | 'backoff' | 'later' | 'new_token'

/** The reconnect column of the protocol's table of close codes. */
const rules = {
  no: 'never',
  yes: 'backoff',
  'yes, with after': 'backoff',
  'after retry_after_ms': 'backoff',
  'with a new token': 'new_token',
  later: 'later',
} as const satisfies Record<Wording, Rule>

/** Codes of WebSocket itself after which another connection would end in the same way. */
const unspoken: Record<number, Rule> = { 1002: 'never', 1007: 'never', 1008: 'never' }

const byCode: Record<number, Rule> = {
  ...unspoken,
  ...Object.fromEntries(Object.values(closeCodes).map(({ code, reconnect }) => [code, rules[reconnect]])),
}

/** How a socket ended, and why. `retry_after_ms` is from the server's goodbye. */
export type Closing = { code: number; retry_after_ms?: number | undefined; error: OfflineError }
export type Plan =
  | { kind: 'retry'; delayMs: number; needsToken: boolean }
  | { kind: 'give_up'; reason: ClosedReason }

/** `attempt` counts the failures in a row before this one; `random` is from 0 to 1. */
export function planReconnect(
  closing: Omit<Closing, 'error'>,
  attempt: number,
  { backoff, random }: { backoff: Backoff; random: number },
): Plan {
  const rule = byCode[closing.code] ?? 'backoff'
  if (rule === 'never') return { kind: 'give_up', reason: 'protocol' }
  const wait = fullJitter(attempt, backoff, random)
  const delayMs = closing.retry_after_ms ?? (rule === 'later' ? LATER_MS + wait : wait)
  return { kind: 'retry', delayMs, needsToken: rule === 'new_token' }
}
