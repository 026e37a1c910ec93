import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { TokenKeys } from './tokens.ts'

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** HKDF derives a key for each `purpose` from SECRET_KEY. A sealed text opens only with the same `context`. */
export type SealFor = { purpose: string; context: string }

function deriveKey(key: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', purpose, 32))
}

/** Encrypts and authenticates a text with the newest key. */
export function seal(text: string, { purpose, context }: SealFor, [newest]: TokenKeys): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, deriveKey(newest, purpose), iv).setAAD(Buffer.from(context))
  const sealed = [cipher.update(text, 'utf8'), cipher.final()]
  return Buffer.concat([iv, cipher.getAuthTag(), ...sealed])
}

/** The text, and whether the newest key sealed it; undefined if no key opens it for this purpose and context. */
export function unseal(
  bytes: Buffer,
  { purpose, context }: SealFor,
  keys: TokenKeys,
): { text: string; is_newest: boolean } | undefined {
  const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)]
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
  for (const [index, key] of keys.entries()) {
    const decipher = createDecipheriv(CIPHER, deriveKey(key, purpose), iv, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(context))
      .setAuthTag(tag)
    try {
      const text = [decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]
      return { text: Buffer.concat(text).toString('utf8'), is_newest: index === 0 }
    } catch {
      // Another key sealed it.
    }
  }
  return undefined
}
