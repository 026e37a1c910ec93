import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import type { TokenKeys } from './tokens.ts'

/** The secrets of webhooks sign what is sent, so they are kept encrypted and not hashed (Standard Webhooks). */

const PREFIX = 'whsec_'
const SECRET_BYTES = 32
const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

export function createWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

function deriveKey(key: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', 'signalbox webhook secrets', 32))
}

/** Encrypts a webhook's secret by the newest key; it can be opened for the same webhook only. */
export function sealSecret(secret: string, webhook_id: string, [newest]: TokenKeys): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, deriveKey(newest), iv).setAAD(Buffer.from(webhook_id))
  const text = [cipher.update(secret, 'utf8'), cipher.final()]
  return Buffer.concat([iv, cipher.getAuthTag(), ...text]).toString('base64')
}

/** The secret, and whether the newest key has sealed it; undefined: none of the keys has. */
export function openSecret(
  sealed: string,
  webhook_id: string,
  keys: TokenKeys,
): { secret: string; is_newest: boolean } | undefined {
  const bytes = Buffer.from(sealed, 'base64')
  const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)]
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
  for (const [index, key] of keys.entries()) {
    const decipher = createDecipheriv(CIPHER, deriveKey(key), iv, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(webhook_id))
      .setAuthTag(tag)
    try {
      const text = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]
      return { secret: Buffer.concat(text).toString('utf8'), is_newest: index === 0 }
    } catch {
      // Sealed by another key.
    }
  }
  return undefined
}

type Signed = { id: string; timestamp: number; body: string }

/** The value of `webhook-signature`: one signature a secret. `timestamp` in seconds since 1970. */
export function signWebhook(secrets: readonly string[], { id, timestamp, body }: Signed): string {
  const sign = (secret: string) =>
    createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64')
  return secrets.map((secret) => `v1,${sign(secret)}`).join(' ')
}
