import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type * as client from '#src/client/index.ts'
import type { App } from '#src/server/app.ts'
import { backends, startApp } from '../support/backends.ts'
import { addToken } from '../support/cast.ts'
import { describeInBrowser, launchBrowser } from '../support/chromium.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { bundleClient } from './bundle.ts'

const MAX_BYTES = 20_000

describe('the bundle for browsers', () => {
  it(`is under ${MAX_BYTES} bytes, gzipped, without valibot`, async () => {
    const code = await bundleClient('es', ['valibot'])
    expect(code).toContain('/api/v1/ws')
    expect(gzipSync(code).length).toBeLessThan(MAX_BYTES)
  })
})

/** What a page has, once the bundle is in it. */
declare const signalbox: typeof client

describeInBrowser('in Chromium', () => {
  let app: App
  let site: Server
  let browser: Browser
  let page: Page
  let fleet: Fleet
  let proxy: TcpProxy
  let url: string

  beforeAll(async () => {
    site = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html>'),
    )
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    app = await startApp({ ...(await backends.at(-1)?.config()), allowedOrigins: [origin] })
    const { port } = await app.listen()
    proxy = await TcpProxy.to(`http://127.0.0.1:${port}`)
    url = `http://127.0.0.1:${proxy.port}`
    fleet = await createFleet(await Rest.of(app).signIn())
    browser = await launchBrowser()
    page = await browser.newPage()
    await page.goto(origin)
    await page.addScriptTag({ content: await bundleClient('iife', []) })
  })
  afterAll(async () => {
    await browser?.close()
    await proxy?.close()
    await app?.stop()
    site?.close()
  })

  const change = (agent: Agent, current_task: string) =>
    fleet.rest.patch(`${fleet.agents}/${agent.id}`, { current_task })

  it('a page watches a project, through a broken connection, and sees each event once', async () => {
    const agent = await spawn(fleet)
    const { token = '' } = fleet.rest
    await page.evaluate(
      async ({ url, token, project_id }) => {
        const told: string[] = []
        const backoff = { first_ms: 10, max_ms: 50 }
        const watch = signalbox.watchProject({ url, token, project_id, backoff })
        const read = async () => {
          for await (const item of watch)
            told.push(item.type === 'event' ? `${item.agent?.current_task}` : item.reason)
        }
        void read()
        Object.assign(globalThis, { watch, told })
        await watch.whenLive()
      },
      { url, token, project_id: fleet.project_id },
    )
    await change(agent, 'one')
    await page.waitForFunction('told.length === 2')
    proxy.cut()
    await page.waitForFunction("watch.state.kind === 'offline'")
    await change(agent, 'two')
    proxy.heal()
    await page.waitForFunction("watch.state.kind === 'live'")
    await change(agent, 'three')
    await page.waitForFunction('told.length >= 4')
    expect(await page.evaluate('told')).toEqual(['start', 'one', 'two', 'three'])
    expect(await page.evaluate(`watch.fleet.agents.get('${agent.id}').current_task`)).toBe('three')
    await page.evaluate('watch.close()')
  })

  it('a page runs an agent that obeys', async () => {
    const agent = await spawn(fleet)
    const token = await addToken(fleet.rest, agent)
    await page.evaluate(
      async ({ url, token, agent_id }) => {
        const agent = await signalbox.runAgent({ url, token, agent_id })
        Object.assign(globalThis, { agent })
      },
      { url, token, agent_id: agent.id },
    )
    await page.evaluate(
      "agent.report({ status: 'working', usage: { tokens_used: 5, cost_incurred: '0.0005' } })",
    )
    expect((await fleet.rest.post(`${fleet.agents}/${agent.id}/pause`)).status).toBe(200)
    await page.waitForFunction('agent.isPaused')
    const passed = page.evaluate('agent.checkpoint()')
    expect((await fleet.rest.post(`${fleet.agents}/${agent.id}/resume`)).status).toBe(200)
    await passed
    await page.evaluate('agent.run(() => agent.run(() => agent.checkpoint()))')
    await page.evaluate('agent.close()')
    const { body } = await fleet.rest.get<Agent>(`${fleet.agents}/${agent.id}`)
    const used = { tasks_completed: 1, tokens_used: 5, cost_incurred: '0.0005' }
    expect(body).toMatchObject({ status: 'idle', ...used })
  })
})
