import { hash } from '@node-rs/argon2'
import { beforeAll, describe, expect, it } from 'vitest'
import { composeEmails } from '../../migrations/Migration20261128141000_composed_emails.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn, unique } from '../support/rest.ts'
import { addUser, invalid, refusal, type User, useApp } from './suite.ts'

const composed = 'Zo\u00eb \u00c5ngstr\u00f6m'
const decomposed = composed.normalize('NFD')
const secret = 'p\u00e4ssw\u00f6rd 1'
type Page = { data: Agent[] }

describe.each(backends)('one text in several spellings, on $name,', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })
  const login = (email: string, password: string) =>
    fleet.rest.as(undefined).post<{ access_token: string }>('/auth/login', { email, password })
  const set = (column: 'email' | 'password_hash' | 'name', table: 'users' | 'agents', id: string) => {
    const name = unique(column)
    return (value: string) =>
      running().app.database.run({ name, text: `update ${table} set ${column} = $2 where id = $1` }, [
        id,
        value,
      ])
  }

  it('a password is the same in NFC and NFD, with any space', async () => {
    const spellings = [
      secret,
      secret.normalize('NFD'),
      secret.replace(' ', '\u00a0'),
      secret.replace(' ', '\u3000'),
    ]
    for (const password of spellings) {
      const { email } = await addUser(fleet.rest, { password })
      for (const other of spellings) expect((await login(email, other)).status).toBe(200)
      expect((await login(email, secret.toUpperCase())).status).toBe(401)
      expect((await login(email, secret.normalize('NFKD').replaceAll(/\p{M}/gu, ''))).status).toBe(401)
    }
  })

  it('a password that was hashed before this was a rule still signs in, and changes', async () => {
    for (const typed of [secret.normalize('NFD'), secret.replace(' ', '\u00a0'), secret]) {
      const user = await addUser(fleet.rest)
      await set('password_hash', 'users', user.id)(await hash(typed))
      const { status, body } = await login(user.email, typed)
      expect(status).toBe(200)
      const own = fleet.rest.as(body.access_token)
      const change = { current_password: typed, password: `${secret}2` }
      expect((await own.patch('/users/me', change)).status).toBe(200)
      expect((await login(user.email, `${secret}2`.normalize('NFD'))).status).toBe(200)
    }
  })

  it('a password has its length as it is kept', async () => {
    const email = `${unique('person')}@example.org`
    const accents = 'e\u0301'.repeat(7)
    expect(await fleet.rest.post('/users', { email, password: accents })).toEqual(invalid('password'))
    const most = 'e\u0301'.repeat(128)
    expect((await fleet.rest.post('/users', { email, password: most })).status).toBe(201)
  })

  it('an e-mail is one user', async () => {
    const email = `${unique('zo\u00eb')}@example.org`
    const { email: kept } = await addUser(fleet.rest, { email: email.normalize('NFD') })
    expect(kept).toBe(email)
    expect((await login(email.normalize('NFD'), 'a long password')).status).toBe(200)
    expect((await login(email, 'a long password')).status).toBe(200)
    const duplicate = refusal(409, 'DB_002', { message: expect.any(String), field: 'email' })
    const again = { email: email.normalize('NFD').toUpperCase(), password: 'a long password' }
    expect(await fleet.rest.post('/users', again)).toEqual(duplicate)
    const secretly = { email: `${unique('zo\u00eb')}@e.org`, password: '' }
    secretly.password = secretly.email.normalize('NFD')
    expect(await fleet.rest.post('/users', secretly)).toEqual(invalid('password'))
  })

  it('the upgrade composes the e-mails that there are, but for two that would be the same', async () => {
    const old = `${unique('zo\u00eb')}@example.org`
    const twin = `${unique('\u00e9\u1e69')}@example.org`
    const users: User[] = []
    for (let count = 0; count < 3; count++) users.push(await addUser(fleet.rest))
    const half = twin.normalize('NFD').replace('e\u0301', '\u00e9')
    const given = [old.normalize('NFD'), twin.normalize('NFD'), half]
    for (const [index, email] of given.entries()) await set('email', 'users', users[index]?.id ?? '')(email)
    await running().app.database.run({ name: 'compose_emails', text: composeEmails })
    const read = async (user: User) => (await fleet.rest.get<User>(`/users/${user.id}`)).body.email
    expect(await Promise.all(users.map(read))).toEqual([old, given[1], given[2]])
  })

  it('names are kept composed, and found by both', async () => {
    const { id, name } = await spawn(fleet, { name: ` ${decomposed} ` })
    expect(name).toBe(composed)
    const older = await spawn(fleet)
    await set('name', 'agents', older.id)(decomposed)
    for (const q of [composed, decomposed, 'zo\u00eb', 'ngstro\u0308m']) {
      const { body } = await fleet.rest.get<Page>(`${fleet.agents}?q=${encodeURIComponent(q)}`)
      expect(body.data.map((agent) => agent.id).sort()).toEqual([id, older.id].sort())
    }
    const project = { name: decomposed, slug: unique('line'), description: decomposed }
    expect((await fleet.rest.post('/projects', project)).body).toMatchObject({
      name: composed,
      description: decomposed,
    })
  })
})
