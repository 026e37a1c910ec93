import { isIP } from 'node:net'
import ip from 'ipaddr.js'
import * as v from 'valibot'
import { parseRedisUrl } from '#src/bus/redis-url.ts'

/** The kinds of values of environment variables. A message follows the variable's name. */

const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/** A century: the database cannot hold times that are much older. */
const MAX_DAYS = 36_500

export const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a whole number'),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  )

export const url = (...protocols: string[]) =>
  v.pipe(
    v.string(),
    v.check(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `must be a URL beginning with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
    ),
  )

/** Whether other paths can be added to its end. */
function isBase(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return ['http:', 'https:'].includes(protocol) && `${username}${password}${search}${hash}` === ''
}

export const publicUrl = v.pipe(
  v.string(),
  v.check(isBase, 'must be an http or https URL without credentials, query and fragment'),
  v.transform((value) => value.replace(/\/+$/, '')),
)

export const redisUrl = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    try {
      if (dataset.typed) parseRedisUrl(dataset.value)
    } catch (error) {
      addIssue({ message: error instanceof RangeError ? error.message : 'cannot be read' })
    }
  }),
)

export const duration = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,8}[smhd]$/, 'must be a number with s, m, h or d, as in 7d'),
  v.transform((value) => Number(value.slice(0, -1)) * seconds[value.slice(-1) as keyof typeof seconds]),
  v.maxValue(MAX_DAYS * seconds.d, `must be at most ${MAX_DAYS}d`),
)

export const list = v.pipe(
  v.string(),
  v.transform((value) =>
    value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ),
)

export const networks = v.pipe(
  list,
  v.everyItem(
    // `10/8` would mean 0.0.0.10/8, which no operator means.
    (network) => ip.isValidCIDR(network) && isIP(network.split('/')[0] ?? '') !== 0,
    'must be networks such as 10.0.0.0/8 or fd00::/8, separated by commas',
  ),
)

export const origins = v.pipe(
  list,
  v.everyItem(
    (origin) => URL.canParse(origin) && new URL(origin).origin === origin,
    'must be origins such as https://example.org, separated by commas',
  ),
)

export const oneOf = <const Options extends readonly string[]>(options: Options) =>
  v.picklist(options, `must be one of ${options.join(', ')}`)

export const ratio = v.pipe(
  v.string(),
  v.regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'must be a number from 0 to 1'),
  v.transform(Number),
)
