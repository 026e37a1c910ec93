import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import type { App } from '#src/server/app.ts'
import { admin } from '../support/admin.ts'
import { backends, startApp } from '../support/backends.ts'
import { launchBrowser } from '../support/chromium.ts'
import { createFleet, type Fleet, Rest } from '../support/rest.ts'

export const DESKTOP = { width: 1440, height: 900 }

export type EmptyStage = { app: App; origin: string; rest: Rest; browser: Browser; faults: string[] }
export type Stage = EmptyStage & { fleet: Fleet }

/** A server with one project, and a browser, for the suite that calls this. */
export function useStage(): () => Stage {
  return useServer(async (stage) => ({ ...stage, fleet: await createFleet(stage.rest) }))
}

/** A server without a project, as it is after its first start. */
export function useEmptyStage(): () => EmptyStage {
  return useServer(async (stage) => stage)
}

function useServer<Filled extends EmptyStage>(fill: (stage: EmptyStage) => Promise<Filled>): () => Filled {
  let stage: Filled | undefined
  beforeAll(async () => {
    const backend = backends.at(-1)
    const webhookNetworks = ['127.0.0.0/8']
    const own = { rateLimitMultiplier: 100_000, webhookNetworks }
    const app = await startApp({ ...(await backend?.config()), ...own })
    const { port } = await app.listen()
    const rest = await Rest.of(app).signIn()
    const browser = await launchBrowser()
    stage = await fill({ app, origin: `http://127.0.0.1:${port}`, rest, browser, faults: [] })
  })
  afterAll(async () => {
    await stage?.browser.close()
    await stage?.app.stop()
  })
  return () => {
    if (!stage) throw new Error('the stage of this suite has not started')
    return stage
  }
}

/** The page, before anybody has signed in. What goes wrong in it is noted in `faults`. */
export async function openPage(
  { browser, origin, faults }: EmptyStage,
  { at = origin, ...options }: BrowserContextOptions & { at?: string } = {},
): Promise<Page> {
  const context = await browser.newContext({ viewport: DESKTOP, ...options })
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    // The browser notes each refusal and each connection that is cut, as errors of the page or not.
    const isExpected = /status of 4\d\d|net::ERR_|WebSocket connection/.test(message.text())
    if (message.type() === 'error' && !isExpected) faults.push(message.text())
  })
  await page.goto(at)
  return page
}

export async function signIn(page: Page, credentials = admin, mark = '.rail-project'): Promise<Page> {
  await page.fill('input[name=email]', credentials.email)
  await page.fill('input[name=password]', credentials.password)
  await page.click('button[type=submit]')
  await page.waitForSelector(mark, { state: 'attached' })
  return page
}

/** The fleet of the stage's project, live. */
export async function openFleet(stage: Stage, options: Parameters<typeof openPage>[1] = {}): Promise<Page> {
  const page = await signIn(await openPage(stage, options))
  await goTo(page, `#/p/${stage.fleet.project_id}`)
  await page.waitForSelector('[data-connection=live]')
  return page
}

/** To another place of the same page, without a reload. */
export async function goTo(page: Page, place: string): Promise<void> {
  await page.evaluate((hash) => {
    location.hash = hash
  }, place)
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds wrong with the page as it is and takes seriously: rule, impact, where. */
export async function findBarriers(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') }
    return (await axe.run()).violations
  })
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, impact, nodes }) =>
        `${id} (${impact}): ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
    )
}
