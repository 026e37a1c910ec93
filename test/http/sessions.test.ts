import { describe, expect, it } from 'vitest'
import { successorsOf } from '#src/auth/tokens.ts'
import { statement } from '#src/store/database.ts'
import { makeToken } from '../support/access-token.ts'
import { admin, backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import type { Rest } from '../support/rest.ts'
import { addUser, invalid, password, refusal, UNKNOWN, type User, useApp } from './suite.ts'

type Pair = {
  access_token: string
  refresh_token: string
  token_type: string
  expires_in: number
  user: User
}

/** The same password with another salt. */
const takePasswordOf = statement(
  'test_take_password',
  'update users set password_hash = (select password_hash from users where id = $2) where id = $1',
)
const waiting = statement(
  'test_waiting_for_user',
  `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%users%'`,
)

const ageSpent = statement(
  'test_age_spent_tokens',
  'update refresh_tokens set spent_at = spent_at - make_interval(secs => $1)',
)

const anything = { message: expect.any(String) }

describe.each(backends)('sessions on $name', (backend) => {
  const running = useApp(backend)
  const anonymous = () => running().rest.as(undefined)
  const login = (credentials: object) => anonymous().post<Pair>('/auth/login', credentials)
  const refresh = (refresh_token: string) => anonymous().post<Pair>('/auth/refresh', { refresh_token })
  const seconds = () => Math.floor(Date.now() / 1000)
  const me = (token: string) => running().rest.as(token).get<User>('/users/me')
  const readClaims = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const claimsOf = (user: { id: string }) => ({
    sub: user.id,
    iat: seconds(),
    exp: seconds() + 60,
    type: 'access',
  })

  it('a sign-in gives a pair of tokens and the user', async () => {
    const { status, body } = await login({ email: ' Admin@Example.ORG ', password: admin.password })
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 900,
      user: expect.objectContaining({ email: admin.email, is_superuser: true, is_active: true }),
    })
    const claims = readClaims(body.access_token)
    const { iat, sid } = claims
    expect(claims).toEqual({
      sub: body.user.id,
      sid: expect.any(String),
      iat,
      exp: iat + 900,
      type: 'access',
    })
    const { access_token } = (await refresh(body.refresh_token)).body
    expect(readClaims(access_token)).toMatchObject({ sub: body.user.id, sid })
    expect((await me(body.access_token)).body).toEqual(body.user)
  })

  it('an unknown e-mail and a wrong password get the same answer', async () => {
    const wrong = await login({ email: admin.email, password: 'wrong' })
    expect(wrong).toEqual(refusal(401, 'AUTH_001', anything))
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Bearer/)
    const unknown = await login({ email: 'nobody@example.org', password: 'wrong' })
    expect(unknown.body).toEqual(wrong.body)
    expect(await login({ email: 'nobody', password: 1, more: 1 })).toEqual(
      invalid('email', 'password', 'more'),
    )
  })

  it('a refresh token works once, and then its successor does', async () => {
    const first = (await login(admin)).body
    const second = await refresh(first.refresh_token)
    expect(second.status).toBe(200)
    expect(second.body.refresh_token).not.toBe(first.refresh_token)
    expect((await me(second.body.access_token)).status).toBe(200)
    expect((await refresh(second.body.refresh_token)).status).toBe(200)
  })

  it('a spent refresh token used again revokes its family, and no other', async () => {
    const [first, other] = [(await login(admin)).body, (await login(admin)).body]
    const second = (await refresh(first.refresh_token)).body
    const third = (await refresh(second.refresh_token)).body
    expect(await refresh(first.refresh_token)).toEqual(refusal(401, 'AUTH_003', anything))
    expect(await refresh(third.refresh_token)).toEqual(refusal(401, 'AUTH_003', anything))
    expect((await refresh(other.refresh_token)).status).toBe(200)
  })

  it('a token whose answer was lost gets the same successor, for 10 s and until that is used', async () => {
    const first = (await login(admin)).body
    const second = (await refresh(first.refresh_token)).body
    const again = await refresh(first.refresh_token)
    expect(again.status).toBe(200)
    expect(again.body.refresh_token).toBe(second.refresh_token)
    expect((await me(again.body.access_token)).status).toBe(200)
    await running().app.database.run(ageSpent, [9])
    expect((await refresh(first.refresh_token)).body.refresh_token).toBe(second.refresh_token)
    await running().app.database.run(ageSpent, [2])
    expect(await refresh(first.refresh_token)).toEqual(refusal(401, 'AUTH_003', anything))
    expect(await refresh(second.refresh_token)).toEqual(refusal(401, 'AUTH_003', anything))
  })

  it('ten uses of one refresh token at once get one successor, which works', async () => {
    const { refresh_token } = (await login(admin)).body
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refresh_token)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect((await refresh([...successors][0] ?? '')).status).toBe(200)
  })

  it.each<[string, (spent: string) => Promise<unknown>]>([
    ['a spent token', (spent) => refresh(spent)],
    ['a sign-out with an older token', (spent) => anonymous().post('/auth/logout', { refresh_token: spent })],
  ])('%s ends the session, also while the newest token is being used', async (_, end) => {
    for (let attempt = 0; attempt < 20; attempt++) {
      const first = (await login(admin)).body
      const second = (await refresh(first.refresh_token)).body
      const newest = (await refresh(second.refresh_token)).body
      const [used] = await Promise.all([refresh(newest.refresh_token), end(first.refresh_token)])
      const left = used.status === 200 ? used.body.refresh_token : newest.refresh_token
      expect(await refresh(left)).toEqual(refusal(401, 'AUTH_003', anything))
    }
  })

  it('a new password and refreshes at once wait for each other', async () => {
    const user = await addUser(running().rest)
    for (let attempt = 0; attempt < 5; attempt++) {
      const pairs = await Promise.all(Array.from({ length: 4 }, () => login({ email: user.email, password })))
      const [changed, ...refreshed] = await Promise.all([
        running().rest.patch(`/users/${user.id}`, { password }),
        ...pairs.map(({ body }) => refresh(body.refresh_token)),
      ])
      expect(changed.status).toBe(200)
      for (const { status } of refreshed) expect([200, 401]).toContain(status)
      for (const { body } of pairs) expect((await refresh(body.refresh_token)).status).toBe(401)
    }
  })

  it('a logout revokes the family, and an unknown token is no error', async () => {
    const first = (await login(admin)).body
    const second = (await refresh(first.refresh_token)).body
    const logout = (refresh_token: string) => anonymous().post('/auth/logout', { refresh_token })
    expect((await logout(second.refresh_token)).status).toBe(200)
    expect((await logout('unknown')).status).toBe(200)
    expect(await refresh(second.refresh_token)).toEqual(refusal(401, 'AUTH_003', anything))
  })

  it('a refresh token that has expired, and one that never was, are refused', async () => {
    const { refresh_token, user } = (
      await login(await addUser(running().rest).then(({ email }) => ({ email, password })))
    ).body
    const age = statement(
      'age_refresh_tokens',
      'update refresh_tokens set expires_at = $2 where user_id = $1',
    )
    await running().app.database.run(age, [user.id, '2020-01-01T00:00:00Z'])
    expect(await refresh(refresh_token)).toEqual(refusal(401, 'AUTH_002', anything))
    expect(await refresh('sbr_unknown')).toEqual(refusal(401, 'AUTH_003', anything))
  })

  it.skipIf(backend.name === 'embedded')('a sign-in that a new password overtakes is refused', async () => {
    const user = await addUser(running().rest)
    const [{ database }, other] = [running().app, await addUser(running().rest)]
    let signingIn: ReturnType<typeof login> | undefined
    await database.transaction(async (sql) => {
      await sql.run(takePasswordOf, [user.id, other.id])
      signingIn = login({ email: user.email, password })
      // Its password was right when it was checked; now it waits for what is known of the user.
      await eventually(async () => (await database.run(waiting, [])).length > 0)
    })
    expect(await signingIn).toEqual(refusal(401, 'AUTH_001', anything))
    expect((await login({ email: user.email, password })).status).toBe(200)
  })

  it('an inactive user is refused, and learns why only with the right password', async () => {
    const user = await addUser(running().rest)
    const { refresh_token } = (await login({ email: user.email, password })).body
    await running().rest.patch(`/users/${user.id}`, { is_active: false })
    const inactive = refusal(403, 'AUTH_005', anything)
    expect(await login({ email: user.email, password })).toEqual(inactive)
    expect(await login({ email: user.email, password: 'wrong' })).toEqual(refusal(401, 'AUTH_001', anything))
    expect(await user.rest.get('/users/me')).toEqual(inactive)
    expect((await refresh(refresh_token)).status).toBeGreaterThanOrEqual(401)
    await running().rest.patch(`/users/${user.id}`, { is_active: true })
    expect((await refresh(refresh_token)).status).toBe(401)
  })

  it('a token that the server could have signed is accepted', async () => {
    const user = await addUser(running().rest)
    expect((await me(makeToken(claimsOf(user)))).body).toMatchObject({ id: user.id })
  })

  it('a token that has expired says so', async () => {
    const user = await addUser(running().rest)
    const old = makeToken({ ...claimsOf(user), iat: seconds() - 1_000, exp: seconds() - 100 })
    const answer = await me(old)
    expect(answer).toEqual(refusal(401, 'AUTH_002', anything))
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  it.each<[string, (rest: Rest) => Promise<string>]>([
    ['of algorithm none', (rest) => forAdmin(rest, {}, { alg: 'none' })],
    ['of another algorithm', (rest) => forAdmin(rest, {}, { alg: 'HS512' })],
    ['signed with another secret', (rest) => forAdmin(rest, {}, { secret: 'x'.repeat(40) })],
    ['signed with no secret', (rest) => forAdmin(rest, {}, { secret: '' })],
    ['of another type', (rest) => forAdmin(rest, { type: 'refresh' })],
    ['without a type', (rest) => forAdmin(rest, { type: undefined })],
    ['without an end', (rest) => forAdmin(rest, { exp: undefined })],
    ['of an unknown user', (rest) => forAdmin(rest, { sub: UNKNOWN })],
    ['of somebody that is no UUID', (rest) => forAdmin(rest, { sub: "' or true --" })],
    ['that is none', async () => 'a.b.c'],
  ])('a token %s is refused as invalid', async (_, make) => {
    expect(await me(await make(running().rest))).toEqual(refusal(401, 'AUTH_003', anything))
  })

  async function forAdmin(rest: Rest, claims: object, how = {}): Promise<string> {
    const { body } = await rest.get<User>('/users/me')
    return makeToken({ ...claimsOf(body), ...claims }, how)
  }
})

describe('the successor of a refresh token', () => {
  it('is the same for every server that knows the key, wherever it is in the list', () => {
    const [given] = successorsOf('sbr_a', ['a key of some length'])
    expect(successorsOf('sbr_a', ['a new key', 'a key of some length'])).toContain(given)
    expect(successorsOf('sbr_b', ['a key of some length'])).not.toContain(given)
  })
})
