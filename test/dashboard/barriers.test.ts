import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { addUser, password } from '../http/suite.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { findBarriers, goTo, openFleet, openPage, signIn, useStage } from './browser.ts'

const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { name: 'on a phone', colorScheme: 'light', viewport: { width: 360, height: 740 } },
] as const

describeInBrowser('the dashboard is accessible', () => {
  const stage = useStage()

  async function fill(): Promise<string> {
    const { fleet } = stage()
    const { id } = await spawn(fleet, {
      name: 'Ada',
      status: 'working',
      token_limit: 10,
      short_term_memory: { a: [1] },
      labels: { team: 'support', 'example.org/a-very-long-key': 'a-very-long-value-of-a-label' },
    })
    const bob = await spawn(fleet, { name: 'Bob', parent_id: id })
    const { origin, rest } = stage()
    const runtime = new RuntimeSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, { token: rest.token })
    await runtime.next('hello')
    await runtime.attach(bob.id)
    await runtime.report(bob.id, { n: 1, usage: { model: 'large', input_tokens: 900, cost_incurred: '1.5' } })
    await runtime.close()
    await fleet.rest.post(`${fleet.agents}/${id}/pause`, { reason: 'to be looked at' })
    return id
  }

  async function check(page: Page, where: string): Promise<void> {
    expect(await findBarriers(page), where).toEqual([])
    const excess = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement
      return scrollWidth - clientWidth
    })
    expect(excess, `${where}: nothing is wider than the screen`).toBeLessThanOrEqual(0)
  }

  it.each(looks)('$name', async ({ colorScheme, viewport }) => {
    const look = { colorScheme, viewport }
    const id = await fill()
    const { project_id } = stage().fleet
    const out = await openPage(stage(), look)
    await out.waitForSelector('input[name=password]')
    await check(out, 'sign-in')
    await out.context().close()

    const page = await openFleet(stage(), look)
    await page.locator('.rows .row').first().waitFor()
    await page.locator('.rows input').first().click()
    await check(page, 'fleet')
    await page.getByRole('searchbox').fill('team=support,')
    await page.getByText(/at position 14/).waitFor()
    await check(page, 'a selector that cannot be read')
    await page.getByRole('searchbox').press('Escape')
    await page.locator('.rows input').first().click()
    await page.locator('.bulk .action-terminate').click()
    await check(page, 'terminate')
    await page.keyboard.press('Escape')
    await page.locator('[data-stop]').click()
    await check(page, 'stop everything')
    await page.keyboard.press('Escape')
    const places = [
      ['#/', '.card'],
      ['#/types', '.table'],
      [`#/p/${project_id}/overview`, '.plot canvas'],
      [`#/p/${project_id}/usage`, '.plot canvas'],
      ['#/users', '.table'],
      [`#/p/${project_id}/members`, '.table'],
      [`#/p/${project_id}/settings`, '.settings'],
      [`#/p/${project_id}/connect`, '.snippet pre'],
      [`#/p/${project_id}/a/${id}`, '.json-name'],
    ] as const
    for (const [place, mark] of places) {
      await goTo(page, place)
      await page.locator(mark).first().waitFor()
      await check(page, place)
    }
    await page.context().close()
  })

  it('moves from the list to a row and an agent by keyboard', async () => {
    const page = await openFleet(stage())
    await page.locator('.rows .row').first().waitFor()
    const hasFocus = (mark: string) =>
      page.evaluate((selector) => document.activeElement?.matches(selector), mark)
    await expect.poll(() => hasFocus('[data-grid]')).toBe(true)
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => hasFocus('[data-grid]')).toBe(true)
    await page.keyboard.press('j')
    await page.keyboard.press('Shift+ArrowDown')
    await page.getByText('2 agents selected').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('End')
    const active = await page.getByRole('grid').getAttribute('aria-activedescendant')
    expect(await page.locator(`#${active}`).count()).toBe(1)
    await page.keyboard.press(' ')
    expect(await page.locator(`#${active}`).getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('Enter')
    await page.locator('.agent').waitFor()
    const url = page.url()
    await page.keyboard.press('[')
    await expect.poll(() => page.url(), { timeout: 10_000 }).not.toBe(url)
    await page.keyboard.press(']')
    await expect.poll(() => page.url(), { timeout: 10_000 }).toBe(url)
    // The address changes before the page does, which closes the dialog of the agent before.
    const confirms = async () => {
      if (!(await hasFocus('[data-confirm]'))) await page.keyboard.press('t')
      return hasFocus('[data-confirm]')
    }
    await expect.poll(confirms, { timeout: 10_000, interval: 250 }).toBe(true)
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await expect.poll(() => hasFocus('[data-grid]')).toBe(true)
    expect(await page.getByRole('grid').getAttribute('aria-activedescendant')).toBe(active)
    await page.keyboard.press('Enter')
    await page.locator('.agent').waitFor()
    await page.keyboard.press('[')
    await expect.poll(() => page.url(), { timeout: 10_000 }).not.toBe(url)
    const other = page.url().split('/').at(-1)
    await page.locator('.agent').waitFor()
    await page.keyboard.press('Escape')
    await expect
      .poll(() => page.getByRole('grid').getAttribute('aria-activedescendant'))
      .toBe(`agent-${other}`)
    await page.keyboard.press('x')
    await page.getByText('agent selected').waitFor()
    await page.keyboard.press('a')
    await expect.poll(() => page.getByLabel('Select all shown').isChecked()).toBe(true)
    await page.getByLabel('Select all shown').focus()
    await page.keyboard.press('Escape')
    await page.locator('.bulk').waitFor({ state: 'detached' })
    const go = async (keys: string, mark: string) => {
      for (const key of keys) await page.keyboard.press(key)
      await page.locator(mark).first().waitFor()
    }
    await go('go', '.overview')
    await go('gl', '.log')
    await go('gp', '.cards')
    await go('gb', '[aria-label^="Budgets of"]')
    await go('gp', '.cards')
    await go(']', '[data-grid]')
    await page.context().close()
  })

  it('names only the keys that the user may use', async () => {
    const { rest, fleet } = stage()
    const viewer = await addUser(rest)
    await rest.put(`/projects/${fleet.project_id}/members/${viewer.id}`, { role: 'viewer' })
    const page = await signIn(await openPage(stage()), { ...viewer, password })
    await page.keyboard.press('?')
    const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await dialog.getByText('Open the agent').waitFor()
    expect(await dialog.getByText(/Terminate|Select/).count()).toBe(0)
    await page.context().close()
  })

  it('has no error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})
