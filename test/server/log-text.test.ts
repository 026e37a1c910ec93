import { expect, test } from 'vitest'
import { reachableUrl } from '#src/server/greeting.ts'
import { toLogText } from '#src/server/log-text.ts'

const time = new Date(2026, 10, 29, 9, 30).getTime()
const line = (fields: object) => JSON.stringify({ level: 40, time, ...fields, msg: 'it broke' })

test('a line of the log as text has its time, its level, what happened and the details', () => {
  expect(toLogText(line({ reason: 'no "one" answers', seconds: 3 }))).toBe(
    '09:30:00 warning  it broke  reason="no \\"one\\" answers" seconds=3\n',
  )
})

test('an error has its stack below its line', () => {
  expect(toLogText(line({ err: { message: 'no', stack: 'Error: no\n    at here' } }))).toBe(
    '09:30:00 warning  it broke\n  Error: no\n      at here\n',
  )
})

test.each([
  ['127.0.0.1', 'http://127.0.0.1:8080'],
  ['0.0.0.0', 'http://127.0.0.1:8080'],
  ['::', 'http://[::1]:8080'],
  ['192.0.2.7', 'http://192.0.2.7:8080'],
])('a server that listens on %s is reached at %s', (host, url) => {
  expect(reachableUrl(host, 8080)).toBe(url)
})
