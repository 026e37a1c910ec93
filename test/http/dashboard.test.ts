import { describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { admin } from '../support/admin.ts'
import { backends } from '../support/backends.ts'
import { Rest } from '../support/rest.ts'
import { addUser, password, useApp } from './suite.ts'

const path = '/dashboard/session'
const json = { 'content-type': 'application/json' }

/** A browser, as far as cookies go: it keeps what it is given, and sends it back. */
class Browser {
  readonly #app: App
  readonly #headers: Record<string, string>
  cookie: string | undefined
  attributes = ''

  constructor(app: App, headers: Record<string, string> = {}) {
    this.#app = app
    this.#headers = { host: 'signalbox.example', origin: 'http://signalbox.example', ...headers }
  }

  async send(method: string, body?: object) {
    const headers = {
      ...this.#headers,
      ...(this.cookie && { cookie: this.cookie }),
      ...(body && json),
    }
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await this.#app.api.request(`http://signalbox.example${path}`, init, {})
    const [kept = '', ...attributes] = (response.headers.get('set-cookie') ?? '').split('; ')
    if (kept) this.cookie = kept.endsWith('=') ? undefined : kept
    this.attributes = attributes.join('; ')
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as { access_token?: string },
    }
  }
}

describe.each(backends)('the session of the dashboard ($name)', (backend) => {
  const running = useApp(backend, { rateLimitMultiplier: 1 })

  it('keeps the refresh token in a cookie that no script can read', async () => {
    const browser = new Browser(running().app)
    const { status, body, headers } = await browser.send('POST', admin)
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'bearer',
      expires_in: 900,
      user: expect.objectContaining({ email: admin.email }),
    })
    expect(browser.cookie).toMatch(/^signalbox_session=sbr_/)
    expect(browser.attributes).toBe(`Max-Age=604800; Path=${path}; HttpOnly; SameSite=Strict`)
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('is renewed by the cookie, and spends its token each time', async () => {
    const { rest } = running()
    const { email } = await addUser(rest)
    const browser = new Browser(running().app)
    await browser.send('POST', { email, password })
    const first = browser.cookie
    const { body } = await browser.send('PUT')
    expect((await rest.as(body.access_token).get<{ email: string }>('/users/me')).body.email).toBe(email)
    expect(browser.cookie).not.toBe(first)
    expect(await browser.send('PUT')).toMatchObject({ status: 200 })

    const thief = new Browser(running().app)
    thief.cookie = first
    expect(await thief.send('PUT')).toMatchObject({ status: 401 })
    expect(thief.cookie).toBeUndefined()
    expect(await browser.send('PUT')).toMatchObject({ status: 401 })
  })

  it('ends the session and takes the cookie back', async () => {
    const { email } = await addUser(running().rest)
    const browser = new Browser(running().app)
    await browser.send('POST', { email, password })
    const { cookie } = browser
    expect(await browser.send('DELETE')).toMatchObject({ status: 200, body: { success: true } })
    expect(browser.cookie).toBeUndefined()
    browser.cookie = cookie
    expect(await browser.send('PUT')).toMatchObject({ status: 401 })
  })

  it('is none without the cookie, which is no failure', async () => {
    const browser = new Browser(running().app)
    expect(await browser.send('PUT')).toMatchObject({ status: 200, body: { user: null } })
    expect(await browser.send('DELETE')).toMatchObject({ status: 200 })
  })

  it('is refused to pages of other origins', async () => {
    const browser = new Browser(running().app, { origin: 'https://signalbox.example.net' })
    for (const [method, body] of [['POST', admin], ['PUT'], ['DELETE']] as const) {
      expect(await browser.send(method, body)).toMatchObject({ status: 403 })
    }
  })

  it('refuses what /auth/login refuses, and in the audit trail it is the same', async () => {
    const browser = new Browser(running().app)
    const wrong = { ...admin, password: 'not the password' }
    expect(await browser.send('POST', wrong)).toMatchObject({ status: 401, headers: expect.anything() })
    expect(await browser.send('POST', { email: admin.email })).toMatchObject({ status: 422 })
    expect(await browser.send('GET')).toMatchObject({ status: 405 })
    const { body } = await running().rest.get<{ data: { action: string }[] }>('/audit?limit=5')
    expect(body.data.map(({ action }) => action)).toContain('sign_in_failed')
  })
})

describe('behind a proxy that speaks https', () => {
  const [backend = { name: '', config: async () => ({}) }] = backends
  const running = useApp(backend, { trustedHops: 1 })

  it('the cookie is for https only', async () => {
    const browser = new Browser(running().app, { 'x-forwarded-proto': 'https' })
    await browser.send('POST', admin)
    expect(browser.attributes).toContain('Secure')
    const plain = new Browser(running().app, { 'x-forwarded-proto': 'https, http' })
    await plain.send('POST', admin)
    expect(plain.attributes).not.toContain('Secure')
  })
})

describe('sign-in over both ways', () => {
  const [backend = { name: '', config: async () => ({}) }] = backends
  const running = useApp(backend, { rateLimitMultiplier: 1 })

  it('has one budget', async () => {
    const { app } = running()
    const browser = new Browser(app)
    const statuses: number[] = []
    for (let turn = 0; turn < 6; turn++) {
      statuses.push((await browser.send('POST', admin)).status)
      statuses.push((await Rest.of(app).post('/auth/login', admin)).status)
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(9)
    expect(statuses.slice(9)).toEqual([429, 429, 429])
  })
})
