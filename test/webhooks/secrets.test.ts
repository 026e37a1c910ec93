import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { waitAfter, webhookTimings } from '#src/domain/webhook.ts'
import { createWebhookSecret, openSecret, sealSecret, signWebhook } from '#src/webhooks/secrets.ts'

const [first, second] = ['the first key, which is long enough', 'the second key, which is long enough']

describe('the secret of a webhook', () => {
  it('is opened by any key of the list, for its own webhook alone', () => {
    const secret = createWebhookSecret()
    const sealed = sealSecret(secret, 'a', [first])
    expect(sealed).not.toContain(secret.slice(6))
    expect(sealSecret(secret, 'a', [first])).not.toBe(sealed)
    expect(openSecret(sealed, 'a', [first])).toEqual({ secret, is_newest: true })
    expect(openSecret(sealed, 'a', [second, first])).toEqual({ secret, is_newest: false })
    expect(openSecret(sealed, 'a', [second])).toBeUndefined()
    expect(openSecret(sealed, 'b', [first])).toBeUndefined()
    expect(openSecret(`${sealed.slice(0, -4)}AAA=`, 'a', [first])).toBeUndefined()
    expect(openSecret('', 'a', [first])).toBeUndefined()
  })

  it('signs as Standard Webhooks does, each of several', () => {
    const [secret, old] = [createWebhookSecret(), createWebhookSecret()]
    const timestamp = Math.floor(Date.now() / 1000)
    const message = { id: 'msg', timestamp, body: '{"a":"é"}' }
    const signature = signWebhook([secret, old], message)
    const headers = {
      'webhook-id': 'msg',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    }
    for (const one of [secret, old])
      expect(new Webhook(one).verify(message.body, headers)).toEqual({ a: 'é' })
    expect(() => new Webhook(createWebhookSecret()).verify(message.body, headers)).toThrow()
    expect(() => new Webhook(secret).verify(`${message.body} `, headers)).toThrow()
  })
})

describe('the wait after failures', () => {
  it('doubles up to an hour, with full jitter', () => {
    const longest = [1, 2, 3, 12, 13, 2_000].map((failures) => waitAfter(failures, 1, webhookTimings))
    expect(longest).toEqual([2_000, 4_000, 8_000, 3_600_000, 3_600_000, 3_600_000])
    expect(waitAfter(5, 0, webhookTimings)).toBe(0)
    expect(waitAfter(1, 0.5, webhookTimings)).toBe(1_000)
  })
})
