import { connect } from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '#src/server/app.ts'
import { admin, backends, testConfig } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { Rest } from '../support/rest.ts'

type Line = { request_id?: string; method?: string; path?: string; status?: number; principal?: string }

describe.each(backends.slice(0, 1))('the log of requests', ({ config }) => {
  const lines: string[] = []
  let app: App
  let port: number
  beforeAll(async () => {
    app = await createApp(testConfig(await config()), pino({}, { write: (line) => lines.push(line) }))
    port = (await app.listen()).port
  })
  afterAll(() => app.stop())

  it('has one line for each, with the id that the answer carries', async () => {
    const rest = await Rest.of(app).signIn()
    for (const path of ['/users/me', '/projects?limit=0', '/nothing']) {
      lines.splice(0)
      const { headers, status } = await rest.get(path)
      const found = lines.map((line): Line => JSON.parse(line)).filter(({ request_id }) => request_id)
      expect(found).toHaveLength(1)
      expect(found[0]).toMatchObject({
        request_id: headers.get('x-request-id'),
        method: 'GET',
        path: `/api/v1${path.split('?')[0]}`,
        status,
      })
    }
  })

  it.each([
    ['of a known length', 'Content-Length: 1000\r\n\r\n{'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n'],
  ])('takes a body %s that its client gave up for the client’s failure', async (_, rest) => {
    lines.splice(0)
    const head = 'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
    const socket = connect(port, '127.0.0.1')
    socket.write(head + rest, () => socket.destroy())
    await eventually(async () => lines.length > 0)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ path: '/api/v1/auth/login', status: 400, level: 30 })
  })

  it('never holds a password or a token', async () => {
    lines.splice(0)
    const { body } = await Rest.of(app).post<Record<'access_token' | 'refresh_token', string>>(
      '/auth/login',
      admin,
    )
    await Rest.of(app).post('/auth/refresh', { refresh_token: body.refresh_token })
    await Rest.of(app)
      .as(body.access_token)
      .patch('/users/me', { current_password: admin.password, password: 'x' })
    const log = lines.join('')
    expect(log).toContain('/auth/login')
    for (const secret of [admin.password, body.access_token, body.refresh_token])
      expect(log).not.toContain(secret)
  })
})
