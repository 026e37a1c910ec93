import { describe, expect, it } from 'vitest'
import { createAddressRule, literalAddress } from '#src/webhooks/addresses.ts'

const refused = [
  ['0.0.0.0', 'this host'],
  ['0.1.2.3', 'this network'],
  ['10.1.2.3', 'private'],
  ['100.64.0.1', 'shared'],
  ['127.0.0.1', 'loopback'],
  ['127.255.0.1', 'loopback'],
  ['168.63.129.16', 'Azure’s own services'],
  ['169.254.169.254', 'metadata'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.0.0.192', 'protocol assignments, metadata'],
  ['192.0.2.1', 'documentation'],
  ['192.88.99.1', '6to4 relay'],
  ['192.168.1.1', 'private'],
  ['198.18.0.1', 'benchmarking'],
  ['198.51.100.1', 'documentation'],
  ['203.0.113.1', 'documentation'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.255', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::127.0.0.1', 'IPv4-compatible'],
  ['::ffff:127.0.0.1', 'IPv4-mapped'],
  ['::ffff:10.0.0.1', 'IPv4-mapped'],
  ['::ffff:8.8.8.8', 'IPv4-mapped'],
  ['::ffff:0:127.0.0.1', 'IPv4-translated'],
  ['64:ff9b::7f00:1', 'NAT64'],
  ['64:ff9b:1::a00:1', 'local NAT64'],
  ['100::1', 'discard'],
  ['2001::1', 'Teredo'],
  ['2001:db8::1', 'documentation'],
  ['2002:7f00:1::1', '6to4'],
  ['3fff::1', 'documentation'],
  ['fc00::1', 'unique local'],
  ['fd00:ec2::254', 'metadata'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local with a zone'],
  ['fec0::1', 'site-local'],
  ['ff02::1', 'multicast'],
  ['4000::1', 'not given out'],
  ['example.org', 'no address'],
  ['', 'no address'],
] as const

describe('the addresses that webhooks are sent to', () => {
  const isPublic = createAddressRule([])

  it.each(refused)('are not %s: %s', (address) => {
    expect(isPublic(address)).toBe(false)
  })

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])(
    'may be %s',
    (address) => {
      expect(isPublic(address)).toBe(true)
    },
  )

  it('include named networks, also inside IPv6, and no other private ones', () => {
    const rule = createAddressRule(['10.1.0.0/16', 'fd00:1::/32', '64:ff9b::/96', '168.63.129.16/32'])
    const allowed = [
      '10.1.2.3',
      '168.63.129.16',
      '::ffff:10.1.2.3',
      'fd00:1::5',
      '64:ff9b::808:808',
      '8.8.8.8',
    ]
    expect(allowed.filter((address) => !rule(address))).toEqual([])
    expect(['10.2.0.1', 'fd00:2::5', '127.0.0.1', '169.254.169.254'].filter(rule)).toEqual([])
  })

  it.each([
    ['http://127.1/', '127.0.0.1'],
    ['http://0x7f000001/', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['http://[::1]:8080/', '::1'],
    ['http://example.org/', undefined],
  ])('are seen in %s', (url, address) => {
    expect(literalAddress(new URL(url))).toBe(address)
  })
})
