import type { TokenKeys } from '#src/auth/tokens.ts'
import type { Attempt } from '#src/domain/webhook.ts'
import type { AddressRule } from './addresses.ts'
import type { WebhookBody } from './bodies.ts'
import { sendWebhook } from './request.ts'
import { openSecret, signWebhook } from './secrets.ts'

/** Where a request goes, with its sealed secrets. The old one is null once its time is over. */
export type Receiver = { id: string; url: string; secret: string; old_secret: string | null }

type Message = WebhookBody & { id: string }

/** Signs one request and sends it. Rejects only when the signal aborts. */
export type SendSigned = (receiver: Receiver, message: Message, signal: AbortSignal) => Promise<Attempt>

type Parts = {
  keys: TokenKeys
  isAllowedAddress: AddressRule
  timeout_ms: number
  user_agent: string
  now: () => number
}

export function createSender({ keys, isAllowedAddress, timeout_ms, user_agent, now }: Parts): SendSigned {
  return async (receiver, { id, body, content_type }, signal) => {
    const sealed = receiver.old_secret === null ? [receiver.secret] : [receiver.secret, receiver.old_secret]
    const secrets = sealed.flatMap((one) => openSecret(one, receiver.id, keys)?.secret ?? [])
    if (secrets.length === 0)
      return {
        kind: 'failed',
        status: null,
        error: 'No SECRET_KEY of this server opens the secret of the webhook',
      }
    const timestamp = Math.floor(now() / 1000)
    return sendWebhook(isAllowedAddress, {
      url: receiver.url,
      headers: {
        'user-agent': user_agent,
        'content-type': content_type,
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signWebhook(secrets, { id, timestamp, body }),
      },
      body,
      timeout_ms,
      signal,
    })
  }
}
