import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { addToken, createFleetOf } from '../support/cast.ts'
import { spawn, unique } from '../support/rest.ts'
import { addUser, password, useApp } from './suite.ts'

type Shown = { what: string; secret: string }

const tables = statement(
  'test_tables',
  `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
)

describe.each(backends)('no secret is kept, or shown a second time, on $name', (backend) => {
  const running = useApp(backend)

  /** One of each secret that there is, used once, each write with an Idempotency-Key where it could be kept. */
  const makeSecrets = async () => {
    const { rest, id, email } = await addUser(running().rest)
    const once = () => ({ 'idempotency-key': unique('secret') })
    const login = { email, password }
    type Pair = { access_token: string; refresh_token: string }
    const first = await rest.as(undefined).call<Pair>('POST', '/auth/login', login, once())
    const { refresh_token } = first.body
    const second = await rest.as(undefined).call<Pair>('POST', '/auth/refresh', { refresh_token }, once())
    const fleet = await createFleetOf(rest, running().rest)
    const { project_id } = fleet
    const body = { name: 'key', role: 'operator', project_id }
    const { key } = (await rest.call<{ key: string }>('POST', '/api-keys', body, once())).body
    const token = await addToken(rest, await spawn(fleet))
    const made = 'a password of a made user'
    const user = { email: `${unique('made')}@example.org`, password: made }
    expect((await running().rest.call<unknown>('POST', '/users', user, once())).status).toBe(201)
    const typed = 'typed by mistake'
    await rest.as(undefined).post('/auth/login', { email, password: typed })
    await rest.as(undefined).post('/auth/login', { email: `${typed}@example.org`, password: typed })
    await rest.as(key).get(fleet.agents)
    const secrets: Shown[] = [
      { what: 'key', secret: key },
      { what: 'token of an agent', secret: token },
      { what: 'access token', secret: first.body.access_token },
      { what: 'refresh token', secret: refresh_token },
      { what: 'second refresh token', secret: second.body.refresh_token },
      { what: 'password', secret: password },
      { what: 'password of a user that was made', secret: made },
      { what: 'password that was wrong', secret: typed },
    ]
    return { rest, id, key, secrets }
  }

  const dump = async () => {
    const { database } = running().app
    const names = (await database.run<{ name: string }>(tables)).map(({ name }) => name)
    const dumped = new Map<string, string>()
    for (const name of names) {
      const all = statement(`test_dump_${name}`, `select t::text as row from "${name}" t`)
      const rows = await database.run<{ row: string }>(all)
      dumped.set(name, rows.map(({ row }) => row).join('\n'))
    }
    return dumped
  }

  it('in any table, as it is or without its prefix', async () => {
    const { id, key, secrets } = await makeSecrets()
    const dumped = await dump()
    expect([...dumped.keys()]).toEqual(
      expect.arrayContaining(['api_keys', 'audit', 'idempotent_answers', 'refresh_tokens', 'users']),
    )
    // What is looked for would be found: the user's id is, and the hash of the key.
    expect(dumped.get('users')).toContain(id)
    expect(dumped.get('api_keys')).toContain(createHash('sha256').update(key).digest('hex'))
    const found: string[] = []
    for (const [table, text] of dumped) {
      for (const { what, secret } of secrets) {
        const bare = secret.replace(/^sb._/, '')
        const forms = [bare, Buffer.from(bare).toString('hex'), Buffer.from(bare).toString('base64')]
        if (forms.some((form) => text.includes(form))) found.push(`${what} in ${table}`)
      }
    }
    expect(found).toEqual([])
  })

  it('in any answer, to the one who made it or to a superuser', async () => {
    const { rest, secrets } = await makeSecrets()
    const paths = ['/api-keys', '/projects', '/users/me']
    const answers = [
      ...(await Promise.all(paths.map((path) => rest.get<object>(`${path}?limit=100`)))),
      ...(await Promise.all(
        [...paths, '/users', '/audit'].map((path) => running().rest.get<object>(`${path}?limit=100`)),
      )),
    ]
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    const text = JSON.stringify(answers.map(({ body }) => body))
    expect(secrets.filter(({ secret }) => text.includes(secret.replace(/^sb._/, '')))).toEqual([])
    expect(text).not.toMatch(/hash/)
    const metrics = await running().app.api.request('/metrics', {}, {})
    const shown = await metrics.text()
    expect(secrets.filter(({ secret }) => shown.includes(secret))).toEqual([])
  })
})
