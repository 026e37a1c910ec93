import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import type { AgentRequest } from '#src/domain/request.ts'
import { addUser, password } from '../http/suite.ts'
import { Asker } from '../support/asker.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { findBarriers, goTo, openFleet, openPage, signIn, useStage } from './browser.ts'

const options = [
  { id: 'no', label: 'Reject', kind: 'reject_once' },
  { id: 'yes', label: 'Allow once', kind: 'allow_once' },
]
const tool_call = { id: 'c1', name: 'shell.run', arguments: { command: 'rm -r build', env: { CI: true } } }
const form = {
  type: 'object',
  properties: {
    zone: {
      type: 'string',
      oneOf: [
        { const: 'eu', title: 'Europe' },
        { const: 'us', title: 'America' },
      ],
    },
    replicas: { type: 'integer', minimum: 1, maximum: 9, default: 2, title: 'Replicas' },
    share: { type: 'number', maximum: 1 },
    notify: { type: 'string', format: 'email', description: 'Who hears of it' },
    day: { type: 'string', format: 'date', default: '2026-12-01' },
    at: { type: 'string', format: 'date-time', default: '2026-12-01T12:00:00.123Z' },
    sure: { type: 'boolean', title: 'Sure', default: true },
    size: { type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'], default: 'l' },
    parts: { type: 'array', items: { enum: ['web', 'db', 'jobs'] }, minItems: 1, default: ['db'] },
  },
  required: ['zone', 'notify'],
}

describeInBrowser('the inbox', () => {
  const stage = useStage()

  async function open(own: object = {}): Promise<{ fleet: Fleet; page: Page; asker: Asker }> {
    const fleet = await createFleet(stage().rest)
    const { origin, rest } = stage()
    const agent = await spawn(fleet, { name: 'Ada', status: 'working' })
    const asker = await Asker.at(`${origin.replace('http', 'ws')}/api/v1/ws`, rest.token, agent.id)
    const page = await openFleet({ ...stage(), fleet }, own)
    return { fleet, page, asker }
  }

  const inboxOf = ({ project_id }: Fleet) => `#/requests?project=${project_id}`
  const pathOf = ({ project_id, id }: AgentRequest) => `/projects/${project_id}/requests/${id}`
  const read = async (request: AgentRequest) => (await stage().rest.get<AgentRequest>(pathOf(request))).body
  const rows = (page: Page) => page.locator('.inbox-row .inbox-message')
  const message = (page: Page) => page.locator('.request > .request-message')
  const isFocused = (page: Page, id: string) =>
    page.evaluate((expected) => document.activeElement?.id === expected, `request-${id}`)

  async function end(page: Page, asker: Asker): Promise<void> {
    await asker.close()
    await page.context().close()
  }

  it('counts, lists the oldest first, and filters by the address', async () => {
    const { fleet, page, asker } = await open()
    const title = () => page.title()
    const first = await asker.open({ message: 'Delete <b>it</b>?', reason: 'tool_call', tool_call, options })
    await expect.poll(title).toBe('(1) Line · Signalbox')
    await asker.open({ message: 'Which?', reason: 'acme:choice' })
    await expect.poll(title).toBe('(2) Line · Signalbox')
    await page.getByTitle('Waits for 2 answers: Delete').waitFor()
    expect(await page.locator('.rows .cell-task').textContent()).toBe('asks: Delete <b>it</b>?')

    await page.locator('.rail-body').getByRole('link', { name: 'Inbox 2' }).click()
    await expect.poll(() => rows(page).allTextContents()).toEqual(['Delete <b>it</b>?', 'Which?'])
    expect(await message(page).textContent()).toBe('Delete <b>it</b>?')
    await page.getByText('"rm -r build"').waitFor()
    await page.getByLabel('Reason').selectOption('acme:choice')
    await expect.poll(() => rows(page).allTextContents()).toEqual(['Which?'])
    expect(page.url()).toContain('reason=acme%3Achoice')
    await goTo(page, `#/p/${fleet.project_id}/requests/${first.id}`)
    await page.getByRole('link', { name: 'Ada', exact: true }).click()
    await page.getByRole('heading', { name: 'Waits for 2 answers' }).waitFor()
    await page.getByText('asks: Which?').waitFor()

    await asker.withdraw(first.request_id)
    await expect.poll(title).toBe('(1) Ada · Line · Signalbox')
    await page.getByText('request withdrawn by its runtime: Delete <b>it</b>?').waitFor()
    await page.getByRole('link', { name: 'All its requests' }).click()
    await expect.poll(() => rows(page).allTextContents()).toEqual(['Which?', 'Delete <b>it</b>?'])
    await page.getByLabel('State').selectOption('resolved')
    await page.getByText('No requests match these filters').waitFor()
    await end(page, asker)
  })

  it('lets 20 requests be answered by keyboard alone', async () => {
    const { fleet, page, asker } = await open()
    const asked: AgentRequest[] = []
    const text = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
    for (let index = 0; index < 20; index++) {
      const own = index % 4 === 1 ? { options } : index % 4 === 3 ? { response_schema: text } : {}
      asked.push(await asker.open({ message: `Question ${index}`, ...own }))
    }
    await goTo(page, inboxOf(fleet))
    await expect.poll(() => rows(page).count()).toBe(20)
    await page.keyboard.press('j')
    await expect.poll(() => isFocused(page, asked[1]?.id ?? '')).toBe(true)
    await page.keyboard.press('k')
    await expect.poll(() => isFocused(page, asked[0]?.id ?? '')).toBe(true)
    const began = Date.now()
    for (const [index, { id, response_schema }] of asked.entries()) {
      await expect.poll(() => message(page).textContent(), { interval: 10 }).toBe(`Question ${index}`)
      if (index > 0) await expect.poll(() => isFocused(page, id), { interval: 10 }).toBe(true)
      if (response_schema) {
        await page.keyboard.press('Enter')
        const name = page.getByLabel('name')
        await expect.poll(() => name.evaluate((input) => input === document.activeElement)).toBe(true)
        await page.keyboard.type('jyn')
        await page.keyboard.press('Enter')
      } else {
        // The next one came by itself: it takes an answer at once only when it is opened.
        if (index > 0) await page.keyboard.press('Enter')
        if (index > 0) await page.locator('.request-title:focus').waitFor()
        await page.keyboard.press(index % 4 === 2 ? 'n' : 'y')
      }
    }
    await page.getByText('No requests match these filters').waitFor()
    expect(Date.now() - began).toBeLessThan(60_000)
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
    const ended = await Promise.all(asked.slice(0, 4).map(read))
    expect(ended.map(({ state, option, payload }) => [state, option, payload])).toEqual([
      ['resolved', null, null],
      ['resolved', 'yes', null],
      ['cancelled', null, null],
      ['resolved', null, { name: 'jyn' }],
    ])
    await end(page, asker)
  })

  it('answers one request with one key, however quickly it is pressed again', async () => {
    const { fleet, page, asker } = await open()
    const [first, second] = [
      await asker.open({ message: 'First?' }),
      await asker.open({ message: 'Second?' }),
    ]
    await goTo(page, `#/p/${fleet.project_id}/requests/${first.id}`)
    await expect.poll(() => message(page).textContent()).toBe('First?')
    await page.keyboard.press('n')
    await page.locator('.outcome').getByText('denied by').waitFor()
    await page.keyboard.press('n')
    await expect.poll(() => message(page).textContent()).toBe('Second?')
    expect([(await read(first)).state, (await read(second)).state]).toEqual(['cancelled', 'open'])
    await end(page, asker)
  })

  it('takes a key for the next request once that has been in sight for half a second', async () => {
    const { fleet, page, asker } = await open()
    const [first, second, third] = [
      await asker.open({ message: 'First?' }),
      await asker.open({ message: 'Second?' }),
      await asker.open({ message: 'Third?' }),
    ]
    await goTo(page, `#/p/${fleet.project_id}/requests/${first.id}`)
    await expect.poll(() => message(page).textContent()).toBe('First?')
    const start = new Date()
    await page.clock.install({ time: start })
    await page.clock.pauseAt(start.getTime() + 1_000)
    /** Lets the page's time pass in short steps, until it shows the message. */
    const untilShown = (text: string) =>
      expect
        .poll(
          async () => {
            await page.clock.runFor(20)
            return message(page).textContent()
          },
          { interval: 20 },
        )
        .toBe(text)
    await page.keyboard.press('y')
    await untilShown('Second?')
    await page.clock.runFor(300)
    // It is pressed twice, as a finger does.
    await page.keyboard.press('y')
    await page.clock.runFor(300)
    await page.keyboard.press('n')
    await untilShown('Third?')
    // A key that goes somewhere says that the user is looking.
    await page.keyboard.press('k')
    await page.keyboard.press('j')
    await page.keyboard.press('n')
    await expect.poll(async () => (await read(third)).state).toBe('cancelled')
    expect([(await read(first)).state, (await read(second)).state]).toEqual(['resolved', 'cancelled'])
    await end(page, asker)
  })

  it('answers only what the user has gone to, and never by the Enter that opens it', async () => {
    const { fleet, page, asker } = await open()
    const first = await asker.open({ message: 'Deploy?' })
    const size = { type: 'string', default: 'l' }
    const second = await asker.open({
      message: 'Which?',
      response_schema: { type: 'object', properties: { size } },
    })
    await goTo(page, inboxOf(fleet))
    await expect.poll(() => message(page).textContent()).toBe('Deploy?')
    await page.keyboard.press('y')
    await page.locator(`#request-${first.id}`).focus()
    await page.keyboard.press('Enter')
    await page.locator('.request-title:focus').waitFor()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    await expect.poll(() => isFocused(page, first.id)).toBe(true)
    await page.keyboard.press('j')
    await expect.poll(() => isFocused(page, second.id)).toBe(true)
    await page.keyboard.press('Enter')
    await page.locator('.answer-fields input:focus').waitFor()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Escape')
    await expect.poll(() => isFocused(page, second.id)).toBe(true)
    expect([(await read(first)).state, (await read(second)).state]).toEqual(['open', 'open'])

    await page.keyboard.press('k')
    await page.keyboard.down('y')
    await page.getByText('Ada: approved').waitFor()
    await expect.poll(() => isFocused(page, second.id)).toBe(true)
    await page.keyboard.down('y')
    await page.keyboard.up('y')
    expect((await read(second)).state).toBe('open')
    await page.keyboard.press('Enter')
    await page.locator('.answer-fields input:focus').waitFor()
    await page.keyboard.press('Control+Enter')
    await page.getByText('Ada: answered').waitFor()
    expect((await read(second)).payload).toEqual({ size: 'l' })
    await goTo(page, `#/p/${fleet.project_id}/a/${first.agent_id}`)
    await page.getByText('request approved: Deploy?').waitFor()
    await end(page, asker)
  })

  it('makes a form, and shows what is wrong at its fields', async () => {
    const { page, asker, fleet } = await open()
    const request = await asker.open({
      reason: 'input_required',
      response_schema: form,
      message: 'Where to?',
    })
    await goTo(page, `#/p/${fleet.project_id}/requests/${request.id}`)
    const field = (name: string) => page.locator('.answer-field', { hasText: name })
    await page.getByLabel('share').fill('2')
    await page.getByLabel('web').check()
    await page.getByLabel('Note to the agent').fill('After the backup')
    await page.getByRole('button', { name: 'Send' }).click()
    await field('zone').getByText('Enter a value').waitFor()
    await field('notify').getByText('Enter a value').waitFor()
    await field('share').getByText('Enter a number of at most 1').waitFor()
    await page.getByLabel('zone').selectOption('Europe')
    await page.getByLabel('share').fill('0.5')
    await page.getByLabel('notify').fill('ada@example.org')
    const refusal = {
      success: false,
      errors: [{ code: 'VAL_001', message: 'Not now', field: 'payload.day' }],
    }
    await page.route('**/answer', (route) => route.fulfill({ status: 422, json: refusal }), { times: 1 })
    await page.keyboard.press('Enter')
    await field('day').getByText('Not now').waitFor()
    await page.getByLabel('notify').press('Enter')
    await page.locator('.outcome').waitFor({ state: 'detached' })
    await expect.poll(async () => (await read(request)).state).toBe('resolved')
    expect(await read(request)).toMatchObject({
      payload: {
        zone: 'eu',
        replicas: 2,
        share: 0.5,
        notify: 'ada@example.org',
        day: '2026-12-01',
        at: '2026-12-01T12:00:00.123Z',
        sure: true,
        size: 'l',
        parts: ['db', 'web'],
      },
      note: 'After the backup',
    })
    await end(page, asker)
  })

  it("shows somebody else's answer at once, and how a late answer was forestalled", async () => {
    const { page, asker, fleet } = await open()
    const other = await addUser(stage().rest)
    await stage().rest.put(`/projects/${fleet.project_id}/members/${other.id}`, { role: 'operator' })
    const [seen, late] = [await asker.open({ options }), await asker.open({ message: 'Late?' })]
    await goTo(page, `#/p/${fleet.project_id}/requests/${seen.id}`)
    await page.getByRole('button', { name: 'Allow once' }).focus()
    await other.rest.post(`${pathOf(seen)}/answer`, { status: 'resolved', option: 'no' })
    await page.locator('.outcome').getByText('answered "Reject" by').waitFor()
    await expect.poll(() => isFocused(page, seen.id)).toBe(true)

    await page.keyboard.press('j')
    await expect.poll(() => message(page).textContent()).toBe('Late?')
    await page.route('**/answer', async (route) => {
      await other.rest.post(`${pathOf(late)}/answer`, { status: 'cancelled', note: 'Too dangerous' })
      await route.continue()
    })
    await page.keyboard.press('y')
    await page.locator('.outcome').getByText('denied by').waitFor()
    await page.locator('.outcome').getByText('Too dangerous').waitFor()
    expect((await read(late)).state).toBe('cancelled')
    await end(page, asker)
  })

  it('reads the list again once the server is back', async () => {
    const { origin } = stage()
    const { fleet, page: own, asker } = await open()
    const proxy = await TcpProxy.to(origin)
    const page = await openFleet({ ...stage(), fleet }, { at: proxy.through(origin) })
    await goTo(page, inboxOf(fleet))
    await page.getByText('No requests match these filters').waitFor()
    proxy.cut()
    await page.locator('.inbox-note').getByText("Can't reach the server").waitFor()
    expect(await page.getByText(/0 open|No requests match/).count()).toBe(0)
    await asker.open({ message: 'Still there?' })
    proxy.heal()
    await expect.poll(() => rows(page).allTextContents()).toEqual(['Still there?'])
    await page.locator('.inbox-note').waitFor({ state: 'detached' })
    await page.context().close()
    await proxy.close()
    await end(own, asker)
  })

  it('shows a viewer requests, and takes no answer', async () => {
    const { page: own, asker, fleet } = await open()
    const viewer = await addUser(stage().rest)
    await stage().rest.put(`/projects/${fleet.project_id}/members/${viewer.id}`, { role: 'viewer' })
    const request = await asker.open({ options, tool_call })
    const page = await signIn(await openPage(stage()), { ...viewer, password })
    await goTo(page, '#/requests')
    await page.getByText('You can watch. Operators can answer.').waitFor()
    expect(await page.locator('.request button').count()).toBe(0)
    await page.keyboard.press('y')
    await page.keyboard.press('n')
    await asker.open({ message: 'Next?' })
    await expect.poll(() => rows(page).count()).toBe(2)
    expect((await read(request)).state).toBe('open')
    await page.context().close()
    await end(own, asker)
  })

  it('notifies of a request while the page is out of sight, if that is turned on', async () => {
    const { page, asker, fleet } = await open({ permissions: ['notifications'] })
    await page.evaluate(() => {
      const shown: [string, string | undefined][] = []
      class Fake {
        static permission = 'granted'
        onclick = () => {}
        constructor(title: string, { body }: NotificationOptions) {
          shown.push([title, body])
          setTimeout(() => this.onclick())
        }
        close() {}
      }
      Object.assign(globalThis, { Notification: Fake, shown })
      Object.defineProperty(document, 'hidden', { get: () => true })
    })
    await asker.open({ message: 'Not told' })
    await page.getByTitle('Waits for 1 answer: Not told').waitFor()
    await page.getByRole('group', { name: 'Notify of requests' }).getByText('on', { exact: true }).click()
    const request = await asker.open({ message: 'Told' })
    await page.waitForURL(`**/#/p/${fleet.project_id}/requests/${request.id}`)
    expect(await page.evaluate(() => (globalThis as unknown as { shown: unknown }).shown)).toEqual([
      ['Ada asks', 'Told'],
    ])
    await end(page, asker)
  })

  it.each([
    { name: 'light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
    { name: 'dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
    { name: 'on a phone', colorScheme: 'light', viewport: { width: 360, height: 740 } },
  ] as const)('is accessible: $name', async ({ name, ...look }) => {
    const { page, asker, fleet } = await open(look)
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const long = `Delete ${'a-long-folder/'.repeat(12)}?\nIt can't be undone.`
    const request = await asker.open({ message: long, tool_call, options, expires_at, reason: 'tool_call' })
    await asker.open({ message: 'Where to?', response_schema: form, reason: 'input_required' })
    const check = async (where: string) => {
      expect(await findBarriers(page), where).toEqual([])
      const excess = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement
        return scrollWidth - clientWidth
      })
      expect(excess, `${where}: nothing is wider than the screen`).toBeLessThanOrEqual(0)
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${name}-${where}.png` })
    }
    await page.getByTitle('Waits for 2 answers').waitFor()
    await check('fleet')
    await goTo(page, inboxOf(fleet))
    await expect.poll(() => rows(page).count()).toBe(2)
    await check('list')
    await rows(page).first().click()
    await check('request')
    await page.keyboard.press('Escape')
    await rows(page).last().click()
    await page.getByLabel('zone').press('Control+Enter')
    await page.getByText('Enter a value').first().waitFor()
    await check('form')
    await stage().rest.post(`${pathOf(request)}/answer`, { status: 'resolved', option: 'yes', note: 'Go' })
    await goTo(page, `#/p/${fleet.project_id}/requests/${request.id}`)
    await page.locator('.outcome').waitFor()
    await check('outcome')
    await goTo(page, `#/p/${fleet.project_id}/a/${request.agent_id}`)
    await page.getByRole('heading', { name: 'Waits for 1 answer' }).waitFor()
    await check('agent')
    await end(page, asker)
  })

  it('had no error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})
