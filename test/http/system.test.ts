import { describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { useApp } from './suite.ts'

describe.each(backends)('a server on $name', (backend) => {
  const running = useApp(backend)
  const get = (path: string) => running().app.api.request(path, {}, {})

  it('is alive and ready', async () => {
    expect((await get('/healthz')).status).toBe(200)
    const ready = await get('/readyz')
    expect(ready.status).toBe(200)
    expect(await ready.json()).toMatchObject({ status: 'ready', database: 'ok', migrations: 'ok' })
  })

  it('is measured in the text of Prometheus', async () => {
    const response = await get('/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain')
    expect(await response.text()).toMatch(/^signalbox_websocket_connections 0$/m)
  })

  it('sends the headers that keep a browser from guessing', async () => {
    const { headers } = await get('/healthz')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-powered-by')).toBeNull()
  })
})

describe.each(backends.slice(0, 1))('origins', (backend) => {
  const running = useApp(backend, { allowedOrigins: ['https://board.example.org'] })
  const ask = (origin: string) =>
    running().app.api.request(
      '/api/v1/projects',
      { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } },
      {},
    )

  it('that are allowed may call; others may not', async () => {
    const allowed = await ask('https://board.example.org')
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://board.example.org')
    expect(allowed.headers.get('access-control-allow-methods')).toContain('PATCH')
    expect((await ask('https://elsewhere.example')).headers.get('access-control-allow-origin')).toBeNull()
  })
})
