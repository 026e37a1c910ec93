import { describe, expect, it } from 'vitest'
import { toLimitKey } from '#src/http/limit-key.ts'

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
