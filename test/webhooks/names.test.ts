import { lookup } from 'node:dns/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAddressRule, createLookup } from '#src/webhooks/addresses.ts'
import { resolveName } from '#src/webhooks/dns.ts'
import { sendWebhook } from '#src/webhooks/request.ts'
import { startNameServer } from '../support/name-server.ts'
import { WebhookReceiver } from '../support/webhook-receiver.ts'

describe('the name of a webhook', () => {
  let dns: Awaited<ReturnType<typeof startNameServer>>
  beforeAll(async () => {
    dns = await startNameServer({
      'both.example': ['2001:4860::1', '8.8.8.8', '10.0.0.1'],
      'six.example': ['2001:4860::1'],
      'inside.example': ['10.0.0.1', 'fd00::1'],
      'none.example': [],
      'hangs.example': 'hangs',
    })
  })
  afterAll(() => dns.close())

  const live = new AbortController().signal
  const resolve = (name: string, signal = live) => resolveName(name, { signal, servers: dns.servers })
  const unresolved = expect.objectContaining({ code: 'NAME_UNRESOLVED' })

  it('resolves to its addresses of both families, IPv4 first', async () => {
    expect(await resolve('both.example')).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '10.0.0.1', family: 4 },
      { address: '2001:4860::1', family: 6 },
    ])
    expect(await resolve('six.example')).toEqual([{ address: '2001:4860::1', family: 6 }])
  })

  it('is looked up as it is: without search domains and /etc/hosts', async () => {
    dns.asked.splice(0)
    await expect(resolve('ip6-loopback')).rejects.toEqual(unresolved)
    expect(new Set(dns.asked)).toEqual(new Set(['ip6-loopback']))
  })

  it.each(['none.example', 'nobody.example', `${'x'.repeat(64)}.example`, 'a..b'])(
    'cannot be resolved where there is none: %.20s',
    async (name) => {
      await expect(resolve(name)).rejects.toEqual(unresolved)
    },
  )

  it.each(['localhost', 'localhost.', 'app.localhost'])(
    '%s is this machine, whatever DNS says',
    async (name) => {
      dns.asked.splice(0)
      expect(await resolve(name)).toEqual([
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ])
      expect(dns.asked).toEqual([])
    },
  )

  it('may be localhost where that is allowed', async () => {
    const receiver = await WebhookReceiver.start()
    const url = receiver.url.replace('127.0.0.1', 'localhost')
    const request = { url, headers: {}, body: '{}', timeout_ms: 5_000, signal: live }
    const send = (networks: string[]) => sendWebhook(createAddressRule(networks), request)
    expect(await send(['127.0.0.0/8', '::1/128'])).toMatchObject({ kind: 'delivered' })
    expect(await send([])).toMatchObject({ kind: 'failed', error: 'The address is not allowed' })
    await receiver.close()
  })

  it('gives a request only the allowed addresses', async () => {
    const ask = (name: string, all: boolean) =>
      new Promise((done) => {
        const look = createLookup(createAddressRule([]), resolve)
        look(name, { all }, (error, found) => done(error?.code ?? found))
      })
    const [four, six] = [
      { address: '8.8.8.8', family: 4 },
      { address: '2001:4860::1', family: 6 },
    ]
    expect(await ask('both.example', true)).toEqual([four, six])
    expect(await ask('both.example', false)).toBe('8.8.8.8')
    expect(await ask('inside.example', true)).toBe('ADDRESS_REFUSED')
    expect(await ask('nobody.example', true)).toBe('NAME_UNRESOLVED')
  })

  it('without an answer is given up after 5 s, and blocks no other look-up', async () => {
    const hanging = Promise.allSettled(Array.from({ length: 64 }, () => resolve('hangs.example')))
    const started = performance.now()
    expect(await resolve('six.example')).toHaveLength(1)
    await lookup('localhost')
    expect(performance.now() - started).toBeLessThan(1_000)
    for (const ended of await hanging) expect(ended).toEqual({ status: 'rejected', reason: unresolved })
    expect(performance.now() - started).toBeLessThan(7_000)
  })

  it('is given up with its request', async () => {
    const request = new AbortController()
    const started = performance.now()
    const resolving = resolve('hangs.example', request.signal)
    request.abort()
    await expect(resolving).rejects.toEqual(unresolved)
    // Nor is one looked up whose request has ended before.
    await expect(resolve('hangs.example', request.signal)).rejects.toEqual(unresolved)
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
