import { beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { useApp } from './suite.ts'

describe.each(backends.slice(0, 1))('a stream of events that is given up leaves nothing open', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    await spawn(fleet)
  })

  const open = (init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${running().rest.token}` }
    const path = `/api/v1/projects/${fleet.project_id}/events/stream?after=0`
    return running().app.api.request(path, { ...init, headers }, {})
  }
  const feeds = () => running().app.hub.feeds().length

  it('before its first byte was read', async () => {
    const response = await open()
    expect(feeds()).toBe(1)
    await response.body?.cancel()
    expect(feeds()).toBe(0)
  })

  it('by a HEAD, which has no body to read', async () => {
    const response = await open({ method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.body).toBeNull()
    expect(feeds()).toBe(0)
  })

  it('while its next event is waited for', async () => {
    const response = await open()
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('agent.spawned')) text += new TextDecoder().decode((await reader?.read())?.value)
    const waiting = reader?.read()
    await reader?.cancel()
    expect(await waiting).toMatchObject({ done: true })
    expect(feeds()).toBe(0)
  })
})
