import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeInBrowser } from '../support/chromium.ts'
import { spawn } from '../support/rest.ts'
import { findBarriers, goTo, openFleet, openPage, useStage } from './browser.ts'

const looks = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { name: 'on a phone', colorScheme: 'light', viewport: { width: 360, height: 740 } },
] as const

describeInBrowser('the dashboard bars nobody', () => {
  const stage = useStage()

  async function fill(): Promise<string> {
    const { fleet } = stage()
    const { id } = await spawn(fleet, {
      name: 'Ada',
      status: 'working',
      token_limit: 10,
      short_term_memory: { a: [1] },
    })
    await spawn(fleet, { name: 'Bob' })
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
      [`#/p/${project_id}/members`, '.state'],
      [`#/p/${project_id}/a/${id}`, '.json-name'],
    ] as const
    for (const [place, mark] of places) {
      await goTo(page, place)
      await page.locator(mark).first().waitFor()
      await check(page, place)
    }
    await page.context().close()
  })

  it('goes from the search to the list and its rows by keyboard', async () => {
    const page = await openFleet(stage())
    await page.locator('.rows .row').first().waitFor()
    await page.getByRole('grid').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('End')
    const active = await page.getByRole('grid').getAttribute('aria-activedescendant')
    expect(await page.locator(`#${active}`).count()).toBe(1)
    await page.keyboard.press(' ')
    expect(await page.locator(`#${active}`).getAttribute('aria-selected')).toBe('true')
    await page.keyboard.press('Enter')
    await page.locator('.agent').waitFor()
    await page.context().close()
  })

  it('without an error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})
