import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { columnNames } from '#src/dashboard/model/arrange.ts'
import { fitColumns } from '#src/dashboard/model/column-fit.ts'
import { findAgents, rankOf, readVerb, readWanted } from '#src/dashboard/model/palette.ts'
import { orderWall, wallGrid, wallPage } from '#src/dashboard/model/wall.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import { anAgent } from '../domain/an-agent.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { createFleet, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { findBarriers, goTo, openFleet, openPage, signIn, useStage } from './browser.ts'

const agent = (own: Parameters<typeof anAgent>[0]) => toAgentSummary(anAgent(own))

describe('the search over everything', () => {
  it('ranks by where the text is in the name, and needs each word somewhere', () => {
    const rank = (typed: string) => rankOf(readWanted(typed), 'Night Mail', ['sort letters'])
    const ranks = ['night', 'MAIL', 'ght', 'letters'].map(rank)
    expect(ranks.toSorted()).toEqual(ranks)
    expect(new Set(ranks).size).toBe(4)
    expect([rank('mail  sort'), rank('mail parcels')]).toEqual([3, undefined])
  })

  it('finds agents by name, task, project and the start of an id, ended ones last', () => {
    const agents = [
      agent({ id: 'a1', name: 'Ada 10' }),
      agent({ id: 'a2', name: 'Ada 2' }),
      agent({ id: 'b1', name: 'Ada 1', status: 'terminated' }),
      agent({ id: 'c1', name: 'Bob', current_task: 'help Ada' }),
    ]
    const find = (typed: string) =>
      findAgents(readWanted(typed), [{ name: 'Line', agents }], 9).map(({ item }) => item.name)
    expect(find('ada')).toEqual(['Ada 2', 'Ada 10', 'Bob', 'Ada 1'])
    expect([find('c1'), find('line bob'), find('')]).toEqual([['Bob'], ['Bob'], []])
  })

  it('reads a verb before what to find', () => {
    expect(readVerb(readWanted('Pause ada 2'))).toMatchObject({ action: 'pause', rest: { text: 'ada 2' } })
    expect([readVerb(readWanted('pause')), readVerb(readWanted('p ada'))]).toEqual([undefined, undefined])
  })
})

describe('the wall', () => {
  it('has exceptions first and always in sight, while calm projects take turns', () => {
    const named = (name: string, urgency: number, count = 0) => ({
      project: { name } as never,
      urgency,
      count,
    })
    const items = orderWall([named('b', 7), named('a', 7), named('c', 2, 1), named('d', 2, 3), named('e', 0)])
    const names = items.map(({ project }: { project: { name: string } }) => project.name)
    expect(names.join('')).toBe('edcab')
    const page = (turn: number) => wallPage(names, { places: 4, exceptions: 3, turn }).shown.join('')
    expect([page(0), page(1), page(2)]).toEqual(['edca', 'edcb', 'edca'])
    const crowded = wallPage(names, { places: 2, exceptions: 3, turn: 2 })
    expect([crowded.shown.join(''), crowded.pages]).toEqual(['b', 3])
  })

  it('gives fewer projects larger tiles', () => {
    const grids = [1, 2, 4, 6, 50].map((count) => Object.values(wallGrid(count, 16 / 9)).join('x'))
    expect(grids).toEqual(['1x1', '2x1', '2x2', '3x2', '3x2'])
    expect(wallGrid(9, 0.5)).toEqual({ columns: 1, rows: 4 })
  })
})

it('leaves out the columns that operators need least where there is no room', () => {
  const shown = (rem: number) => fitColumns(columnNames, { mayControl: true, rem })
  expect(shown(200)).toEqual(columnNames)
  expect(shown(60)).not.toContain('runtime')
  expect(shown(45)).toEqual(expect.arrayContaining(['name', 'status', 'order']))
  expect(shown(5)).toEqual(['name'])
})

describeInBrowser('the console', () => {
  const stage = useStage()

  it('finds an agent of another project and acts on it by keyboard alone', async () => {
    const other = await createFleet(stage().rest)
    const { id, name } = await spawn(other, { name: 'Zephyr 7', current_task: 'Sort the letters' })
    const page = await openFleet(stage())
    await page.locator('.state', { hasText: 'No agents yet' }).waitFor()
    await page.keyboard.press('Control+k')
    const box = page.getByRole('combobox', { name: 'Search agents' })
    await expect.poll(() => box.evaluate((input) => input === document.activeElement)).toBe(true)
    await page.keyboard.type('letters')
    await page.getByRole('option', { name, selected: true }).waitFor()
    expect(await findBarriers(page)).toEqual([])
    await page.keyboard.press('ArrowRight')
    await page.getByRole('option', { name: `Open ${name}`, selected: true }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.getByRole('option', { name: `Pause ${name}`, selected: true }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: `Pause ${name}` }).waitFor()
    expect(page.url()).toContain(id)
    await page.keyboard.press('Enter')
    await page.locator('.agent-status').getByText('paused').waitFor()
    const hasFocus = () => page.evaluate(() => document.activeElement !== document.body)
    await expect.poll(hasFocus).toBe(true)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.type('overview')
    await page.keyboard.press('Enter')
    await page.locator('.overview').waitFor()
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toMatch(
      /letters|Zephyr/i,
    )
    await page.context().close()
  })

  it('asks the server for agents of projects that are not live', async () => {
    const { fleet } = stage()
    await spawn(fleet, { name: 'Quiet one' })
    const page = await openPage(stage())
    // Without its socket no project is live.
    await page.routeWebSocket(/\/api\/v1\/ws/, () => {})
    await signIn(page)
    const texts: (string | null)[] = []
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.pathname.endsWith('/agents')) texts.push(url.searchParams.get('q'))
    })
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.type('quiet')
    await page.getByRole('option', { name: 'Quiet one' }).waitFor()
    expect(new Set(texts)).toEqual(new Set(['quiet']))
    await page.context().close()
  })

  it('finds what is in sight and what is on a page by other words', async () => {
    const { fleet } = stage()
    const labels = { team: 'letters' }
    await spawn(fleet, { name: 'Mailman', external_id: 'mail-7', labels })
    await fleet.rest.post(`/projects/${fleet.project_id}/holds`, {
      reason: 'Wrong address',
      selector: 'team=none',
    })
    const page = await openFleet(stage())
    await page.locator('.row', { hasText: 'Mailman' }).getByRole('gridcell').nth(2).click()
    for (const [typed, found] of [
      ['pause', 'Pause Mailman'],
      ['mail-7', 'Mailman'],
      ['team=letters', 'Mailman'],
      ['release', 'Release hold: Wrong address'],
      ['webhook', 'Settings'],
      ['password', 'Your profile'],
    ] as const) {
      // In one go, as a hasty person does: no letter may get to the list.
      await page.keyboard.press('Control+k')
      await page.keyboard.type(typed)
      await page.getByRole('option', { name: found }).first().waitFor()
      await page.keyboard.press('Escape')
      await page.locator('dialog').waitFor({ state: 'detached' })
    }
    expect(await page.locator('dialog[open]').count()).toBe(0)
    await page.context().close()
  })

  it('shows what is wrong on a wall, large, until Esc', async () => {
    const { fleet } = stage()
    await spawn(fleet, { name: 'Spent', token_limit: 10, status: 'working' })
    const page = await openFleet(stage(), { viewport: { width: 1920, height: 1080 } })
    await use(page, fleet.project_id)
    await page.keyboard.press('g')
    await page.keyboard.press('w')
    const tile = page.locator('.wall-alarm').getByText('Spent')
    await tile.waitFor()
    await page.locator('.wall-names', { hasText: /runtime lost .* before it confirmed the pause/ }).waitFor()
    expect(await findBarriers(page)).toEqual([])
    const smallest = await page.evaluate(() =>
      Math.min(
        ...[...document.querySelectorAll('.wall-tile *')]
          .filter(({ childNodes }) =>
            [...childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent?.trim()),
          )
          .map((element) => Number.parseFloat(getComputedStyle(element).fontSize)),
      ),
    )
    expect(smallest, 'a fortieth of the height').toBeGreaterThanOrEqual(1080 / 41)
    await goTo(page, '#/wall')
    await page.getByRole('heading', { name: 'All projects' }).waitFor()
    expect(await page.locator('.wall-tiles > li').first().textContent()).toContain('Spent')
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Projects' }).waitFor()
    await page.context().close()
  })

  it.each([1440, 1024])('leaves the levers in their place while it is offline, at %i', async (width) => {
    const { fleet } = stage()
    const page = await openPage(stage(), { viewport: { width, height: 800 } })
    const cut: (() => void)[] = []
    let isCut = false
    await page.routeWebSocket(/\/api\/v1\/ws/, (socket) => {
      if (isCut) return void socket.close()
      socket.connectToServer()
      cut.push(() => void socket.close())
    })
    await signIn(page)
    await goTo(page, `#/p/${fleet.project_id}`)
    await page.waitForSelector('[data-connection=live]')
    const placesOf = () =>
      Promise.all(['.hold', '.stop', '.tabs a'].map((name) => page.locator(name).first().boundingBox()))
    const before = await placesOf()
    isCut = true
    for (const end of cut) end()
    await page.waitForSelector('[data-connection=offline]')
    await page.getByRole('button', { name: 'Try now' }).waitFor()
    expect(await placesOf()).toEqual(before)
    await page.context().close()
  })

  it('keeps the chosen columns', async () => {
    await spawn(stage().fleet)
    const page = await openFleet(stage())
    const heads = () => page.locator('[role=columnheader] button').allTextContents()
    await page.locator('.rows .row').first().waitFor()
    expect(await heads()).not.toContain('Type')
    await page.getByRole('button', { name: 'Columns' }).click()
    await page.getByRole('checkbox', { name: 'Type' }).check()
    await page.getByRole('checkbox', { name: 'Tokens' }).uncheck()
    await page.getByRole('button', { name: 'Done' }).click()
    await page.reload()
    await page.locator('.rows .cell-type').first().waitFor()
    expect(await heads()).not.toContain('Tokens')
    await page.context().close()
  })

  it('takes no early Enter for the cross while a dialog is loading', async () => {
    const page = await openFleet(stage())
    const gate = Promise.withResolvers<void>()
    await page.route(/\/agent-types/, async (route) => {
      await gate.promise
      await route.continue()
    })
    await page.getByRole('button', { name: 'Spawn' }).click()
    await page.locator('dialog:focus').waitFor()
    await page.keyboard.press('Enter')
    gate.resolve()
    await page.locator('dialog input[name=name]:focus').waitFor()
    await page.context().close()
  })

  it('shows each status by a shape that needs no colour', async () => {
    const fleet = await createFleet(stage().rest)
    const socket = await connect()
    const ids = []
    for (const name of ['lost', 'pausing', 'stopping']) ids.push((await spawn(fleet, { name })).id)
    for (const status of ['idle', 'working', 'waiting']) await spawn(fleet, { name: status, status })
    const { id: paused } = await spawn(fleet, { name: 'paused' })
    await fleet.rest.post(`${fleet.agents}/${paused}/pause`)
    const [lost = '', pausing = '', stopping = ''] = ids
    const gone = await connect()
    await gone.attach(lost)
    await gone.report(lost, { n: 1, status: 'working' })
    await gone.close()
    for (const id of [pausing, stopping]) await socket.attach(id)
    await fleet.rest.post(`${fleet.agents}/${pausing}/pause`)
    await fleet.rest.delete(`${fleet.agents}/${stopping}`)
    const small = { deviceScaleFactor: 3, viewport: { width: 1240, height: 700 } }
    const page = await openFleet({ ...stage(), fleet }, { ...small, reducedMotion: 'reduce' })
    await page.locator('.rows .status-lost').waitFor()
    const tiles = ['idle', 'working', 'waiting', 'paused', 'terminated'].map((name) => `.tile-${name} .lamp`)
    const rows = ['lost', 'pausing', 'stopping'].map((name) => `.rows .lamp-${name}`)
    const drawn = ['working', 'waiting', 'idle', 'paused']
    const mix = `.rail-project[href*="${fleet.project_id}"] .mix`
    const shares = [...drawn, 'pausing', 'stopping', 'lost'].map((name) => `${mix} .mix-${name}`)
    await expectShapes(page, [[...tiles, ...rows], shares])
    const words = '1 working, 1 waiting, 1 idle, 1 paused, 1 pausing, 1 stopping, 1 lost'
    await page.getByRole('link', { name: words }).waitFor()
    await goTo(page, `#/p/${fleet.project_id}/overview`)
    await page.locator('.legend').waitFor()
    await expectShapes(page, [drawn.map((name) => `.legend .swatch-${name}`)])
    await socket.close()
    await page.context().close()
  })

  it('leads from what needs attention on a card to those agents, and from the rest of it to the fleet', async () => {
    const fleet = await createFleet(stage().rest)
    const project = { name: 'Quay' }
    await fleet.rest.patch(`/projects/${fleet.project_id}`, project)
    await spawn(fleet, { name: 'Calm' })
    const over = await spawn(fleet, { name: 'Over', token_limit: 10 })
    await fleet.rest.patch(`${fleet.agents}/${over.id}`, { tokens_used: 11 })
    const page = await openFleet({ ...stage(), fleet })
    await goTo(page, '#/')
    const card = page.getByRole('article').filter({ hasText: 'Quay' })
    await card.getByRole('link', { name: '1 over limit' }).click()
    const names = page.locator('.rows .name-line')
    await expect.poll(() => names.allTextContents()).toEqual(['Over'])
    await page.getByRole('button', { name: 'Show all agents' }).click()
    await expect.poll(() => names.count()).toBe(2)
    await goTo(page, '#/')
    await card.click({ position: { x: 20, y: 60 } })
    await expect.poll(() => names.count()).toBe(2)
    await page.context().close()
  })

  it('has no error in the page', () => {
    expect(stage().faults).toEqual([])
  })

  async function connect(): Promise<RuntimeSocket> {
    const { origin, rest } = stage()
    const socket = new RuntimeSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, { token: rest.token })
    await socket.next('hello')
    return socket
  }

  /** Spends more than the limit of the project's working agent. */
  async function use(page: Page, project_id: string): Promise<void> {
    const { fleet } = stage()
    const { body } = await fleet.rest.get<{ data: { id: string }[] }>(`${fleet.agents}?q=Spent`)
    const socket = await connect()
    const id = body.data[0]?.id ?? ''
    await socket.attach(id)
    await socket.report(id, { n: 1, usage: { model: 'large', input_tokens: 900, cost_incurred: '0.1' } })
    await socket.close()
    await page.locator(`.rail-project[href*="${project_id}"] .rail-needs`).waitFor()
  }
})

/** The share of pixels in which two marks differ, once only light and dark are left. */
const MIN_DIFFERENCE = 0.02
const deficiencies = ['deuteranopia', 'protanopia', 'tritanopia'] as const

/** However the eye sees colours, no two marks of a group have the same shape. */
async function expectShapes(page: Page, groups: readonly (readonly string[])[]): Promise<void> {
  const cdp = await page.context().newCDPSession(page)
  const marks = groups.flat()
  const boxes = await page.evaluate(
    (selectors) =>
      selectors.map((selector) => {
        const {
          x = 0,
          y = 0,
          width = 0,
          height = 0,
        } = document.querySelector(selector)?.getBoundingClientRect() ?? {}
        return { x, y, width, height }
      }),
    marks,
  )
  expect(boxes.every(({ width }) => width > 0)).toBe(true)
  for (const type of deficiencies) {
    await cdp.send('Emulation.setEmulatedVisionDeficiency', { type })
    const image = (await page.screenshot()).toString('base64')
    const shapes = new Map((await shapesOf(page, image, boxes)).map((shape, index) => [marks[index], shape]))
    const isAlike = (left: string, right: string) => {
      const [one = [], other = []] = [shapes.get(left), shapes.get(right)]
      return one.filter((pixel, at) => pixel !== other[at]).length < MIN_DIFFERENCE * one.length
    }
    const alike = groups.flatMap((group) =>
      group.flatMap((left, index) =>
        group
          .slice(index + 1)
          .filter((right) => isAlike(left, right))
          .map((right) => `${left} and ${right}`),
      ),
    )
    expect(alike, type).toEqual([])
  }
  await cdp.send('Emulation.setEmulatedVisionDeficiency', { type: 'none' })
  await cdp.detach()
}

type Box = { x: number; y: number; width: number; height: number }

/** What is in these boxes, in two tones, as the emulated eye sees it. */
async function shapesOf(page: Page, image: string, boxes: readonly Box[]): Promise<number[][]> {
  return page.evaluate(
    async ([base64, places]) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const ratio = devicePixelRatio
      return places.map(({ x, y, width, height }) => {
        const size = 45
        const context = new OffscreenCanvas(size, size).getContext('2d')
        const from = [x * ratio, y * ratio, width * ratio, height * ratio] as const
        context?.drawImage(bitmap, ...from, 0, 0, size, size)
        const { data = [] } = context?.getImageData(0, 0, size, size) ?? {}
        const light = Array.from({ length: size * size }, (_, pixel) => {
          const [red = 0, green = 0, blue = 0] = data.slice(pixel * 4, pixel * 4 + 3)
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue
        })
        const middle = (Math.max(...light) + Math.min(...light)) / 2
        return light.map((value) => (value > middle ? 1 : 0))
      })
    },
    [image, boxes] as const,
  )
}
