import { createHmac, randomBytes } from 'node:crypto'
import { seal, unseal } from '#src/auth/seal.ts'
import type { TokenKeys } from '#src/auth/tokens.ts'

/** Webhooks' secrets sign deliveries (Standard Webhooks), so they are stored encrypted, not hashed. */

const PREFIX = 'whsec_'
const SECRET_BYTES = 32

export function createWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

const sealedFor = (webhook_id: string) => ({ purpose: 'signalbox webhook secrets', context: webhook_id })

/** Encrypts a secret with the newest key, bound to its webhook. */
export function sealSecret(secret: string, webhook_id: string, keys: TokenKeys): string {
  return seal(secret, sealedFor(webhook_id), keys).toString('base64')
}

/** Opens a sealed secret; undefined if none of the keys sealed it. */
export function openSecret(
  sealed: string,
  webhook_id: string,
  keys: TokenKeys,
): { secret: string; is_newest: boolean } | undefined {
  const opened = unseal(Buffer.from(sealed, 'base64'), sealedFor(webhook_id), keys)
  return opened && { secret: opened.text, is_newest: opened.is_newest }
}

type Signed = { id: string; timestamp: number; body: string }

/** The value of `webhook-signature`, with one signature for each secret. `timestamp` is in seconds since 1970. */
export function signWebhook(secrets: readonly string[], { id, timestamp, body }: Signed): string {
  const sign = (secret: string) =>
    createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64')
  return secrets.map((secret) => `v1,${sign(secret)}`).join(' ')
}
