import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { Asker } from '../support/asker.ts'
import { addKey } from '../support/cast.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { createFleet, spawn } from '../support/rest.ts'
import { goTo, openFleet, useStage } from './browser.ts'

type Mark = [place: string, mark: string]
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true }

describeInBrowser('the layout', () => {
  const stage = useStage()

  /** A project with something on each page, and the pages with what tells that they are drawn. */
  async function fill() {
    const { rest, origin } = stage()
    const fleet = await createFleet(rest)
    const labels = { team: 'support', shift: 'night' }
    const ada = await spawn(fleet, { name: 'Ada', labels, short_term_memory: { plan: ['a', 'b'] } })
    for (let index = 0; index < 12; index++)
      await spawn(fleet, { name: `Bo ${index}`, labels, parent_id: ada.id })
    await rest.post(`${fleet.agents}/${ada.id}/pause`, { reason: 'to be looked at' })
    await addKey(rest, { name: 'Night shift', project_id: fleet.project_id })
    const asker = await Asker.at(`${origin.replace('http', 'ws')}/api/v1/ws`, rest.token, ada.id)
    const usage = { model: 'large', input_tokens: 900, output_tokens: 100, cost_incurred: '1.25' }
    await asker.report(ada.id, { n: 1, usage })
    const request = await asker.open({ message: 'Go on?' })
    const project = `#/p/${fleet.project_id}`
    const pages: Mark[] = [
      ['#/', '.card'],
      [project, '.rows .row'],
      [`${project}/overview`, '.plot canvas'],
      [`${project}/log`, '.event'],
      [`${project}/usage`, '.table tbody tr'],
      [`${project}/budgets`, '[aria-label^="Budgets of"]'],
      [`${project}/members`, '.table tbody tr'],
      [`${project}/settings`, '.settings'],
      [`${project}/connect`, '.snippet pre'],
      [`${project}/a/${ada.id}`, '.json-name'],
      ['#/types', '.table tbody tr'],
      ['#/keys', '.table tbody tr'],
      ['#/users', '.table tbody tr'],
      ['#/audit', '.table tbody tr'],
      ['#/profile', '.profile form'],
      ['#/requests', '.inbox-row'],
      [`${project}/requests/${request.id}`, '.answer'],
      ['#/wall', '.wall-tile'],
    ]
    return { fleet, ada, pages, asker }
  }

  /** Visits each page once it is drawn, where the search finds nothing. */
  async function expectNone(page: Page, pages: readonly Mark[], find: (page: Page) => Promise<string[]>) {
    for (const [place, mark] of pages) {
      await goTo(page, place)
      await page.locator(mark).first().waitFor()
      expect(await find(page), place).toEqual([])
    }
  }

  async function leave(page: Page, asker: Asker): Promise<void> {
    await asker.close()
    await page.context().close()
  }

  it.each([390, 1024, 1440])(
    'scrolls a part of the page and never the window, at %i pixels',
    async (width) => {
      const { fleet, pages, asker } = await fill()
      const height = width === 390 ? 844 : 900
      const page = await openFleet({ ...stage(), fleet }, { viewport: { width, height } })
      await expectNone(page, pages, findScrolling)
      await leave(page, asker)
    },
  )

  it('has targets of 44 pixels on every page of a phone', async () => {
    const { fleet, pages, asker } = await fill()
    const page = await openFleet({ ...stage(), fleet }, phone)
    await expectNone(page, pages, tooSmall)
    await leave(page, asker)
  })

  it('opens an agent by its whole card on a phone, and has terminate behind a menu', async () => {
    const { fleet, ada, asker } = await fill()
    const page = await openFleet({ ...stage(), fleet }, phone)
    const row = page.locator(`#agent-${ada.id}`)
    await row.waitFor()
    expect(await page.locator('.rows .action-terminate').count()).toBe(0)
    await row.locator('.name-more').tap({ force: true, position: { x: 4, y: 8 } })
    await page.getByRole('heading', { name: 'Ada' }).waitFor()
    await page.goBack()
    await row.waitFor()
    await row.getByRole('link', { name: /12/ }).tap()
    await expect.poll(() => page.url()).toContain('parent=')
    await page.goBack()
    await row.getByRole('button', { name: /^More actions/ }).tap()
    expect(await tooSmall(page, 'dialog')).toEqual([])
    await page.getByRole('button', { name: 'Terminate', exact: true }).tap()
    await page.getByText("This can't be undone").waitFor()
    await leave(page, asker)
  })

  it('shows the command of an agent on its own line of the card', async () => {
    const { fleet } = stage()
    const { id } = await spawn(fleet, { name: 'Cy' })
    await fleet.rest.post(`${fleet.agents}/${id}/pause`)
    const page = await openFleet(stage(), phone)
    const row = page.locator(`#agent-${id}`)
    const boxOf = async (name: string) => {
      const box = await row.locator(name).boundingBox()
      if (!box) throw new Error(`no ${name} in sight`)
      return box
    }
    const words = ['.cell-status', '.sections', '.track-kind', '.track b'] as const
    await row.locator('.track').waitFor()
    const [status, ...command] = await Promise.all(words.map(boxOf))
    for (const box of command) expect(box.y).toBeGreaterThanOrEqual((status?.y ?? 0) + (status?.height ?? 0))
    expect(await row.locator('.track-text').textContent()).toMatch(/^pause (sent|done)$/)
    await fleet.rest.delete(`${fleet.agents}/${id}`)
    await expect.poll(() => row.locator('.track-text').textContent()).toMatch(/^terminate (sent|done)$/)
    await boxOf('.sections')
    await page.context().close()
  })

  it('shows usage as cards on a phone', async () => {
    const { fleet, asker } = await fill()
    const page = await openFleet({ ...stage(), fleet }, phone)
    await goTo(page, `#/p/${fleet.project_id}/usage`)
    const table = page.getByRole('region', { name: 'Usage by group' })
    await table.getByText('1,000').first().waitFor()
    expect(await table.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
    const labels = await table
      .locator('tbody td')
      .evaluateAll((cells) => cells.map((cell) => cell.dataset.label))
    expect(labels.slice(0, 3)).toEqual(['Share', 'Cost', 'Tokens'])
    await leave(page, asker)
  })

  it('cuts nothing of the head of the fleet on a phone on its side', async () => {
    const { fleet, asker } = await fill()
    const page = await openFleet(
      { ...stage(), fleet },
      { viewport: { width: 844, height: 390 }, hasTouch: true },
    )
    await page.locator('.rows .row').first().waitFor()
    const cut = await page.locator('.tabs a, .tile, .filter-fields > *').evaluateAll((elements) =>
      elements
        .filter((element) => element.checkVisibility())
        .filter((element) => {
          const { left, right } = element.getBoundingClientRect()
          const around = element.parentElement?.getBoundingClientRect()
          return left < (around?.left ?? 0) - 1 || right > (around?.right ?? 0) + 1
        })
        .map(({ textContent }) => textContent),
    )
    expect(cut).toEqual([])
    await page.getByRole('button', { name: 'Spawn' }).tap()
    await leave(page, asker)
  })

  it('has the scrollbar of the settings at the edge', async () => {
    const page = await openFleet(stage(), { viewport: { width: 1024, height: 500 } })
    await goTo(page, `#/p/${stage().fleet.project_id}/settings`)
    await expect.poll(async () => (await page.locator('.settings').boundingBox())?.width).toBe(1024)
    await page.context().close()
  })

  it.each([1440, 1024])('covers no action of a row with a notice, at %i pixels', async (width) => {
    const { fleet, asker } = await fill()
    const page = await openFleet({ ...stage(), fleet }, { viewport: { width, height: 520 } })
    await page.locator('.rows .row').first().waitFor()
    await page.route(/\/pause$/, (route) => route.abort())
    await page.keyboard.press('j')
    await page.locator('.rows .action-pause').first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    const notice = page.locator('.notice-problem').first()
    await notice.waitFor()
    const box = await notice.boundingBox()
    const actions = await page.locator('.rows .cell-actions').first().boundingBox()
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(actions?.x ?? 0)
    await leave(page, asker)
  })

  it('has no error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})

/** The window, if it scrolls, and parts that scroll without what is positioned in them: that would make the window scroll. */
function findScrolling(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { scrollHeight, scrollWidth } = document.documentElement
    const window = scrollHeight > innerHeight || scrollWidth > innerWidth
    const leaking = [...document.querySelectorAll('*:not(textarea, select)')].filter((element) => {
      const { overflowX, overflowY, position, contain } = getComputedStyle(element)
      const isScroller = [overflowX, overflowY].some((value) => value === 'auto' || value === 'scroll')
      return isScroller && position === 'static' && contain !== 'strict'
    })
    const found = leaking.map(({ tagName, className }) => `${tagName} ${className}`)
    return window ? [`the window: ${scrollWidth} x ${scrollHeight}`, ...found] : found
  })
}

/**
 * What a thumb would miss: its area, also where that is larger than what is drawn. Links in running text are as high as their
 * line, and so are the lines of JSON.
 */
function tooSmall(page: Page, within = 'body'): Promise<string[]> {
  return page.evaluate((root) => {
    const targets = 'a, button, input, select, textarea, summary'
    const areaOf = (element: Element): Element =>
      element.matches('[type=radio], [type=checkbox]') ? (element.closest('label') ?? element) : element
    const found = [...document.querySelectorAll(`:is(${root}) :is(${targets})`)]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }))
      .filter((element) => !element.matches('.skip, p a, q a, .json summary'))
      .filter(
        (element) => element.closest('.rows') === null || element.closest('.row:nth-child(-n + 3)') !== null,
      )
    const small = new Set(found.map(areaOf))
    for (const element of small) {
      element.scrollIntoView({ block: 'center', inline: 'center' })
      const { x, y, width, height } = element.getBoundingClientRect()
      const reaches = (left: number, top: number) => {
        const hit = document.elementFromPoint(left, top)
        return hit !== null && element.contains(hit)
      }
      const extent = (dx: number, dy: number) => {
        let steps = 0
        while (steps < 44 && reaches(x + width / 2 + dx * steps, y + height / 2 + dy * steps)) steps++
        return steps
      }
      const high = extent(0, -1) + extent(0, 1) - 1
      const wide = extent(-1, 0) + extent(1, 0) - 1
      if (high >= 43 && wide >= 43) small.delete(element)
      else element.setAttribute('data-small', `${wide} x ${high}`)
    }
    return [...small].map(
      (element) => `${element.getAttribute('data-small')}: ${element.outerHTML.slice(0, 120)}`,
    )
  }, within)
}
