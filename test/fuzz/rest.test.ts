import { isUtf8 } from 'node:buffer'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorCodes } from '#src/domain/errors.ts'
import { createFleet, type Failure, spawn, unique } from '../support/rest.ts'
import { FuzzServer, runs, seed } from './fuzz-server.ts'
import { fill, SECRET } from './json.ts'
import { Places } from './places.ts'
import { type Document, type Operation, type Request, readOperations, requests } from './requests.ts'
import { type Received, send } from './send.ts'

const BATCH = 10
/** More than any page of what fits into bodies of 256 KiB. */
const MAX_ANSWER = 16 * 1024 * 1024
/** Every so many batches a used-up place is made anew, and everybody signs in again. */
const RENEW = 20
const codes = new Set<string>(Object.values(errorCodes))
/** What HTTP itself refuses, and what no operation says of itself. */
const anywhere = [400, 404, 405, 413, 415, 431]

describe('hostile requests', () => {
  let server: FuzzServer
  let places: Places
  let operations: Operation[]
  let accepted = 0
  let tokens: Record<string, string | undefined>

  beforeAll(async () => {
    server = await FuzzServer.start()
    places = await Places.create(server.rest)
    const { body } = await server.rest.get<Document>('/openapi.json')
    const extra = [
      '/healthz',
      '/metrics',
      '/api/v1/ws',
      '/api/v1/docs',
      '/api/v1/docs/x',
      '/',
      '/api/v1/users/me/x',
    ]
    operations = [
      ...readOperations(body),
      ...extra.map((path) => ({ method: 'GET', path, query: [], body: undefined, statuses: [200, 422] })),
    ]
    tokens = await credentials(server)
  })
  afterAll(() => server.stop())

  it(`${runs} of them are answered, or refused in the one shape`, { timeout: 900_000 }, async () => {
    let batches = 0
    const batch = fc.array(requests(operations, Object.keys(tokens)), { minLength: BATCH, maxLength: BATCH })
    const property = fc.asyncProperty(batch, async (all) => {
      if (batches++ % RENEW === 0) {
        await places.renew()
        tokens.superuser = `Bearer ${(await server.rest.signIn()).token}`
      }
      if (batches === Math.ceil(runs / BATCH / 5)) await server.warm()
      await Promise.all(all.map(attempt))
    })
    const report = await fc.check(property, { seed, numRuns: Math.ceil(runs / BATCH), endOnFailure: true })
    if (report.failed) throw new Error(`FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`, { cause: report.errorInstance })
    // It was not all nonsense.
    expect(accepted / runs).toBeGreaterThan(0.1)
    await server.check()
  })

  it('the costliest bodies of 256 KiB are refused before anybody has to wait', async () => {
    const project_id = places.at(0).project_id
    const list = `[${'1,'.repeat(130_000)}1]`
    const keys = `{${Array.from({ length: 28_000 }, (_, index) => `"${index.toString(36)}":0`).join(',')}}`
    const deep = `{"name":${'['.repeat(130_000)}${']'.repeat(130_000)}}`
    const wide = `{"name":[${'[],'.repeat(85_000)}[]]}`
    const worst: [path: string, body: string][] = [
      ['/auth/login', keys],
      ['/auth/login', deep],
      ['/auth/login', wide],
      [`/projects/${project_id}/agents/actions`, `{"action":"pause","ids":${list}}`],
      [`/projects/${project_id}/agents`, `{"short_term_memory":${keys}}`],
    ]
    for (const [path, body] of worst) {
      const { status, body: refusal } = await server.rest.post(path, body)
      expect(status, path).toBe(422)
      expect(refusal.errors.length).toBeLessThanOrEqual(101)
    }
    await server.check()
  })

  async function attempt(made: Request): Promise<void> {
    const place = places.at(made.place)
    const path = fill(made.target, place)
    const token = tokens[made.who]
    const body = made.body?.(place)
    const headers = { ...made.headers, ...(token !== undefined && { authorization: token }) }
    const shown = `${made.method} ${path.slice(0, 300)} as ${made.who} ${JSON.stringify(headers)}\n${body?.length ?? 0} characters: ${body?.toString().slice(0, 500)}`
    const received = await send(server.process.origin, { method: made.method, path, headers, body }).catch(
      (error) => {
        throw new Error(`${error} on ${shown}`)
      },
    )
    if (received.status < 300) accepted++
    const faults = findFaults(received, made, body)
    if (faults.length > 0)
      throw new Error(`${faults.join(', ')}: ${received.status} ${received.text.slice(0, 300)} on ${shown}`)
  }
})

function findFaults(
  { status, headers, text, ms }: Received,
  { method, operation, who }: Request,
  body: string | Buffer | undefined,
): string[] {
  const faults: string[] = []
  const isRead = method === operation.method && operation.body !== undefined
  if (status < 300 && isRead && Buffer.isBuffer(body) && !isUtf8(body)) faults.push('took what is not UTF-8')
  if (text.length > MAX_ANSWER) faults.push(`${text.length} characters`)
  if (status >= 500) faults.push('a failure')
  if (ms > 5_000) faults.push('late')
  if (text.includes(SECRET)) faults.push('a secret is echoed')
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(String(headers['x-request-id'] ?? ''))) faults.push('no X-Request-Id')
  if (
    method === operation.method &&
    who === 'superuser' &&
    ![...operation.statuses, ...anywhere].includes(status)
  ) {
    faults.push(`${status} is not described`)
  }
  if (status < 400 || method === 'HEAD') return faults
  if (!headers['content-type']?.startsWith('application/json')) faults.push('not JSON')
  else if (!isRefusal(JSON.parse(text))) faults.push('not the shape of a refusal')
  return faults
}

function isRefusal({ success, errors, ...rest }: Failure): boolean {
  return (
    success === false &&
    Object.keys(rest).length === 0 &&
    errors.length > 0 &&
    errors.every(
      ({ code, message, field, ...more }) =>
        codes.has(code) &&
        message !== '' &&
        (field === null || typeof field === 'string') &&
        Object.keys(more).length === 0,
    )
  )
}

/** Whoever there is, and what is nobody's; the superuser first. */
async function credentials({ rest }: FuzzServer): Promise<Record<string, string | undefined>> {
  const bearer = (token: string | undefined) => `Bearer ${token}`
  const user = { email: `${unique('nobody')}@example.org`, password: 'a long password' }
  await rest.post('/users', user)
  const fleet = await createFleet(rest)
  const key = (role: string) =>
    rest.post<{ key: string }>('/api-keys', { name: role, role, project_id: fleet.project_id })
  const { id } = await spawn(fleet)
  const agent = await rest.post<{ token: string }>(`${fleet.agents}/${id}/token`, {})
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const forged = (header: object) => {
    const text = `${part(header)}.${part({ sub: id, iat: 0, exp: 9e9, type: 'access' })}`
    return `${text}.${createHmac('sha256', `${SECRET}key`).update(text).digest('base64url')}`
  }
  return {
    superuser: bearer(rest.token),
    nobody: bearer((await rest.signIn(user)).token),
    viewer: bearer((await key('viewer')).body.key),
    operator: bearer((await key('operator')).body.key),
    runtime: bearer((await key('runtime')).body.key),
    agent: bearer(agent.body.token),
    none: undefined,
    unsigned: bearer(forged({ alg: 'none' })),
    forged: bearer(forged({ alg: 'HS256', typ: 'JWT' })),
    garbage: `Bearer ${SECRET}1`,
    basic: `Basic ${SECRET}1`,
    empty: '',
    long: `Bearer sbx_${'x'.repeat(9_000)}`,
    odd: 'Bearer \u00ff\u00ff',
  }
}
