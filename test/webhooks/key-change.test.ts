import { describe, expect, it } from 'vitest'
import type { Webhook } from '#src/domain/webhook.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, Rest, spawn } from '../support/rest.ts'
import { quick, type Received, verify, WebhookReceiver } from '../support/webhook-receiver.ts'

type Secrets = { secret: string }
const [old_key, new_key] = ['the old key, which is long enough too', 'the new key, which is long enough too']

describe.each(sharedBackends)('a webhook that was made under an old SECRET_KEY, on $name', ({ config }) => {
  it('signs with its secrets once the key is gone, if a server has started with both', async () => {
    const shared = { ...(await config()), webhookNetworks: ['127.0.0.0/8'] }
    const receiver = await WebhookReceiver.start()
    const start = (...[newest, ...others]: [string, ...string[]]) =>
      startApp({ ...shared, secretKeys: [newest, ...others] }, { timings: quick })

    const before = await start(old_key)
    const fleet = await createFleet(await Rest.of(before).signIn())
    const path = `/projects/${fleet.project_id}/webhooks`
    const { body: hook } = await fleet.rest.post<Webhook & Secrets>(path, { url: receiver.url })
    const { body: rotated } = await fleet.rest.post<Secrets>(`${path}/${hook.id}/secret`)
    await before.stop()

    await (await start(new_key, old_key)).stop()

    const after = await start(new_key)
    await spawn({ ...fleet, rest: await Rest.of(after).signIn() })
    await eventually(async () => receiver.all.length > 0)
    const [received] = receiver.all as [Received]
    for (const { secret } of [hook, rotated]) expect(verify(secret, received)).toEqual(received.payload)
    await after.stop()
    await receiver.close()
  })
})
