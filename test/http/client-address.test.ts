import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { originOf, toAddress, toLimitKey } from '#src/http/client-address.ts'
import type { HttpEnv } from '#src/http/env.ts'

describe('what an address counts as where peers are limited', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['::1', '::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['unknown', 'unknown'],
    ['what:a:proxy:made:up', 'what:a:proxy:made:up'],
  ])('%s: %s', (address, key) => {
    expect(toLimitKey(address)).toBe(key)
  })
})

describe('the address in a hop of X-Forwarded-For', () => {
  it.each([
    ['203.0.113.8', '203.0.113.8'],
    ['203.0.113.8:50000', '203.0.113.8'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['[::ffff:203.0.113.8]:1', '::ffff:203.0.113.8'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['203.0.113.8:99999999', '203.0.113.8:99999999'],
    ['[not an address]:443', '[not an address]:443'],
    ['unknown', 'unknown'],
    ['_hidden', '_hidden'],
  ])('%s: %s', (hop, address) => {
    expect(toAddress(hop)).toBe(address)
  })
})

describe('where a client has reached the server', () => {
  const ask = async (hops: number, headers: Record<string, string>) => {
    const app = new Hono<HttpEnv>().get('/x', (c) => c.text(originOf(c, hops)))
    return (await app.request('http://box.example:8080/x?y', { headers })).text()
  }
  it.each<[string, number, Record<string, string>, string]>([
    ['is what was asked', 0, {}, 'http://box.example:8080'],
    ['is what the page says', 0, { origin: 'https://box.example:8080' }, 'https://box.example:8080'],
    ['is not another page', 0, { origin: 'https://evil.example' }, 'http://box.example:8080'],
    ['is not what is no origin', 0, { origin: 'null' }, 'http://box.example:8080'],
    ['is before the proxy', 1, { 'x-forwarded-proto': 'https' }, 'https://box.example:8080'],
    ['is not what a client forges', 0, { 'x-forwarded-proto': 'https' }, 'http://box.example:8080'],
  ])('%s', async (_, hops, headers, origin) => {
    expect(await ask(hops, headers)).toBe(origin)
  })
})
