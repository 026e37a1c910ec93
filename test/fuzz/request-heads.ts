import fc from 'fast-check'
import { SECRET } from './json.ts'

const long = 'x'.repeat(300)
/** A few headers, of which most are rubbish. */
export const headers: fc.Arbitrary<Record<string, string>> = fc
  .record(
    {
      'x-request-id': fc.constantFrom(
        'ok-1',
        '',
        ' ',
        '<script>',
        'a'.repeat(129),
        'a,b',
        '\u00ff',
        '../..',
        '\t',
      ),
      'idempotency-key': fc.oneof(
        fc.nat(50).map((n) => `key-${n}`),
        fc.constantFrom('', long, 'a b', '\u00e9', '__proto__'),
      ),
      'x-forwarded-for': fc.constantFrom(
        '1.2.3.4',
        ',,,',
        '::1, x',
        long,
        '127.0.0.1, 127.0.0.1',
        '\u00ff',
        '1.2.3.4:5',
        '[::1]:5',
      ),
      'last-event-id': fc.constantFrom(
        '0',
        '1',
        '1.1',
        '1.0',
        '1.',
        '-1',
        'x',
        '999999999999999',
        '9'.repeat(40),
      ),
      origin: fc.constantFrom('null', 'http://evil.example', 'x', 'http://127.0.0.1'),
      accept: fc.constantFrom('text/html', '*/*;q=0', ',', long),
      'accept-encoding': fc.constantFrom('gzip', 'identity;q=0', 'x'),
      'content-encoding': fc.constantFrom('gzip', 'x'),
      range: fc.constantFrom('bytes=0-1', 'bytes=-'),
      'if-none-match': fc.constantFrom('*', '"x"'),
      cookie: fc.constantFrom('a=b', `${SECRET}1`, ';;;'),
    },
    { requiredKeys: [] },
  )
  .chain((all) => fc.subarray(Object.entries(all), { maxLength: 3 }).map((some) => Object.fromEntries(some)))

export const contentTypes = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom('application/json', 'application/json; charset=utf-8', 'Application/JSON'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'text/plain',
      '',
      'application/json+x',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      '\u00ff',
    ),
  },
)

export const methods = fc.constantFrom(
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
)
