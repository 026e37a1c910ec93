import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { AuditEntry } from '#src/client/rest/rest.ts'
import { perMinute, toPoints } from '#src/dashboard/model/activity.ts'
import { readAuditFilters, sayAction, sayActor, sayEntry } from '#src/dashboard/model/audit.ts'
import type { Bucket } from '#src/dashboard/model/history.ts'
import { noCounts } from '#src/dashboard/model/totals.ts'
import { noStatuses, toActivityRange, toBuckets } from '#src/domain/activity.ts'
import { Asker } from '../support/asker.ts'
import { addKey } from '../support/cast.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { createFleet, spawn } from '../support/rest.ts'
import { findBarriers, goTo, openFleet, useStage } from './browser.ts'

const NOW = Date.parse('2026-11-23T12:34:08.000Z')
const time = (ms: number) => new Date(ms).toISOString()
const own = (at: number, events: number, costUnits = 0): Bucket => ({
  at,
  events,
  costUnits,
  tokens: 0,
  by_status: noCounts(),
})

describe('activity over time', () => {
  it('counts agents backwards from what they are now', () => {
    const range = toActivityRange({ from: time(NOW - 20_000), step: 10 }, time(NOW))
    const none = { events: 0, tasks_completed: 0, tokens_used: 0, cost_incurred: '0.0000' }
    const sums = [
      { ...none, at: range.from, events: 2, statuses: { ...noStatuses(), idle: 2 } },
      { ...none, at: time(NOW - 8_000), events: 1, statuses: { ...noStatuses(), idle: -1, working: 1 } },
    ]
    const current = { ...noStatuses(), idle: 1, working: 1 }
    const given = { sums, current, later: noStatuses(), since: range.from, now: time(NOW) }
    const buckets = toBuckets(range, given)
    expect(buckets.map(({ events }) => events)).toEqual([2, 0, 1])
    expect(buckets.map(({ by_status: { idle, working } }) => [idle, working])).toEqual([
      [2, 0],
      [2, 0],
      [1, 1],
    ])
    // What is not known is left out.
    expect(toBuckets(range, { ...given, since: time(NOW) })).toHaveLength(1)
  })

  it("continues the server's points with those that the page counts", () => {
    const at = NOW - 8_000
    const data = [at - 10_000, at].map((ms) => ({
      at: time(ms),
      events: 3,
      tasks_completed: 0,
      tokens_used: 0,
      cost_incurred: '0.0600',
      by_status: noStatuses(),
    }))
    const from = time(NOW - 900_000)
    const report = { data, step: 10, from, since: from }
    const points = toPoints(report, [own(at - 10_000, 1), own(at, 5), own(at + 10_000, 2)], NOW, '15m')
    expect(points.buckets.map(({ events }) => events)).toEqual([3, 5, 2])
    const sliding = {
      seconds: 10,
      buckets: Array.from({ length: 8 }, (_, n) => own(n, 1, n)),
    }
    expect(perMinute(sliding)).toEqual([0, 1, 3, 6, 10, 15, 21, 27])
    expect(perMinute({ ...sliding, seconds: 300 }).at(-1)).toBe(7 / 5)
  })
})

describe('the audit trail in words', () => {
  it('reads days of the browser from the address, the last one included', () => {
    const filters = readAuditFilters(
      new URLSearchParams('action=key_created&from=2026-11-01&to=2026-11-01&actor='),
    )
    expect(filters.action).toBe('key_created')
    expect(Date.parse(filters.to ?? '') - Date.parse(filters.from ?? '')).toBe(86_400_000)
    expect(readAuditFilters(new URLSearchParams('action=flew&from=soon'))).toEqual({})
    expect([sayAction('signed_in'), sayAction('key_created'), sayAction('made_up')]).toEqual([
      'Signed in',
      'API key created',
      'Made up',
    ])
  })

  const entry = (action: string, own: Partial<AuditEntry> = {}): AuditEntry => ({
    id: 'e1',
    at: time(NOW),
    action,
    actor: { kind: 'user', id: 'ada' },
    target_id: 'bea',
    project_id: 'p1',
    details: {},
    ...own,
  })
  const names = { user: (id: string) => ({ ada: 'Ada', bea: 'bea@example.org' })[id] ?? id, agent: () => '?' }

  it.each([
    ['member_set', { role: 'operator' }, 'gave bea@example.org the role operator'],
    ['member_removed', {}, 'removed the member bea@example.org'],
    ['user_created', { is_superuser: true }, 'created the user bea@example.org, an admin'],
    [
      'user_updated',
      { changed: ['is_active', 'password'], is_active: false },
      'changed the user bea@example.org: disabled, new password',
    ],
    ['password_changed', {}, 'changed the password of bea@example.org'],
    ['key_revoked', { name: 'CI' }, 'revoked the API key “CI”'],
    ['agent_tokens_revoked', { agent: 'Gerda', affected_count: 2 }, 'revoked 2 tokens of the agent Gerda'],
    ['sign_in_failed', { address: '10.0.0.7', is_known: true }, 'failed to sign in as Ada, from 10.0.0.7'],
    [
      'webhook_updated',
      { origin: 'https://a.test', changed: ['is_active'], is_active: false },
      'disabled the webhook to https://a.test',
    ],
    ['budget_created', { name: 'Day', limit: '5.0000' }, 'created the budget “Day”, limit 5'],
    ['made_up', { on_fire: true, old: null }, 'made up, on fire true'],
  ])('names whom %s was about', (action, details, words) => {
    expect(sayEntry(entry(action, { details }), names)).toBe(words)
  })

  it('does not take the user of an address for the one who typed it', () => {
    const nameOf = () => 'Ada'
    expect(sayActor(entry('sign_in_failed'), nameOf)).toBe('someone')
    expect(sayActor(entry('signed_in'), nameOf)).toBe('Ada')
  })
})

describeInBrowser('the past in the page', () => {
  const stage = useStage()

  it('credits a person with nothing that others did before', async () => {
    const { fleet } = stage()
    const { id } = await spawn(fleet, { name: 'Iris' })
    const { rest } = await addKey(fleet.rest, { role: 'operator', project_id: fleet.project_id })
    const path = `/projects/${fleet.project_id}/agents/${id}`
    await rest.patch(path, { status: 'working', current_task: 'Step 149', tokens_used: 120 })
    await fleet.rest.patch(path, { labels: { team: 'support' } })
    for (let used = 121; used < 150; used++) await rest.patch(path, { tokens_used: used })
    await fleet.rest.patch(path, { token_limit: 9_000 })
    const page = await openFleet(stage())
    await goTo(page, `#/p/${fleet.project_id}/log?agent=${id}&actor=user`)
    const words = page.locator('.event-text')
    await expect
      .poll(() => words.allTextContents())
      .toEqual(['limit now 9,000 tokens', 'labels changed', 'spawned, idle'])
    await page.context().close()
  })

  it('shows a moment of the fleet, read-only, and leads back to now', async () => {
    const { fleet } = stage()
    const page = await openFleet(stage())
    const agent = await spawn(fleet, { name: 'Fred' })
    const path = `/projects/${fleet.project_id}/agents/${agent.id}`
    await fleet.rest.patch(path, { status: 'working', current_task: 'Early task' })
    const { body } = await fleet.rest.get<{ updated_at: string }>(path)
    const early = body.updated_at
    await expect.poll(() => Date.now() > Date.parse(early) + 5).toBe(true)
    await fleet.rest.patch(path, { status: 'waiting', current_task: 'Late task' })
    await page.getByText('Late task').waitFor()
    await goTo(page, `#/p/${fleet.project_id}?at=${early}`)
    await page.getByText('Early task').waitFor()
    expect(await page.locator('.row-working .cell-actions, [aria-label="Pause Fred"]').count()).toBe(0)
    expect(await page.locator('.moment').textContent()).toContain('Showing')
    expect(await findBarriers(page)).toEqual([])
    await page.getByRole('button', { name: 'Back to live' }).click()
    await page.getByText('Late task').waitFor()

    await goTo(page, `#/p/${fleet.project_id}/overview?over=15m`)
    await page.locator('.u-over').first().waitFor()
    const topOf = async () => (await page.locator('.u-over').first().boundingBox())?.y
    const feed = page.getByRole('region', { name: 'Events' })
    await feed.getByPlaceholder('Agent').fill('Nobody')
    await feed.getByText(/^No event matches since \d\d:\d\d:\d\d\. Search the log$/).waitFor()
    const top = await topOf()
    await page.getByRole('slider', { name: 'Time' }).focus()
    await page.keyboard.press('ArrowLeft')
    await page.getByText(/^Showing/).waitFor()
    expect([await topOf(), await feed.count()]).toEqual([top, 0])
    expect(await page.evaluate(() => location.hash)).toMatch(/over=15m&at=20/)
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT')
    // Not ArrowRight: the present may have moved on by a step.
    await page.keyboard.press('End')
    await page.getByText(/^Showing/).waitFor({ state: 'detached' })
  })

  it('shows of the past neither the questions of the inbox nor the holds of now', async () => {
    const { origin, rest } = stage()
    const fleet = await createFleet(rest)
    const { id } = await spawn(fleet, { name: 'Rita' })
    const asker = await Asker.at(`${origin.replace('http', 'ws')}/api/v1/ws`, rest.token, id)
    const early = await asker.open({ message: 'Early question?' })
    const { body } = await rest.get<{ updated_at: string }>(`${fleet.agents}/${id}`)
    const then = body.updated_at
    await expect.poll(() => Date.now() > Date.parse(then) + 5).toBe(true)
    await asker.withdraw(early.request_id)
    await asker.open({ message: 'Late question?' })
    await rest.post(`/projects/${fleet.project_id}/holds`, { reason: 'Storm' })
    const page = await openFleet({ ...stage(), fleet })
    await page.locator('.cell-task', { hasText: 'Late question?' }).waitFor()
    await page.locator('.hold-banner', { hasText: 'Storm' }).waitFor()
    await goTo(page, `#/p/${fleet.project_id}?at=${then}`)
    await page.getByText(/^Showing/).waitFor()
    await page.locator('.asks[title="Waits for 1 answer"]').waitFor()
    expect(await page.getByText(/Late question|Storm/).count()).toBe(0)
    await page.getByRole('button', { name: 'Back to live' }).click()
    await page.locator('.hold-banner', { hasText: 'Storm' }).waitFor()
    await asker.close()
    await page.context().close()
  })

  it('says since when it lists the events of an agent, if it does not list all', async () => {
    const { fleet } = stage()
    const { id } = await spawn(fleet, { name: 'Lara' })
    const page = await openFleet(stage())
    await goTo(page, `#/p/${fleet.project_id}/a/${id}`)
    const timeline = page.getByRole('region', { name: 'Timeline' })
    await timeline.getByText('spawned, idle').waitFor()
    expect(await timeline.getByText('Since').count()).toBe(0)
    const steps = Array.from({ length: 200 }, (_, index) => ({ current_task: `Step ${index}` }))
    await Promise.all(steps.map((step) => fleet.rest.patch(`${fleet.agents}/${id}`, step)))
    await timeline.getByText(/^Since \d\d:\d\d:\d\d$/).waitFor()
    await expect.poll(() => timeline.locator('.event').count()).toBe(200)
    await page.reload()
    await timeline.getByText(/^Since \d\d:\d\d:\d\d$/).waitFor()
    expect(await timeline.locator('.event').count()).toBe(200)
    await page.context().close()
  })

  it('is dragged to in a chart', async () => {
    const { fleet } = stage()
    const page = await openFleet(stage())
    await goTo(page, `#/p/${fleet.project_id}/overview?over=15m`)
    const chart = page.locator('.u-over').first()
    await chart.waitFor()
    const { x, y, width, height } = (await chart.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    const momentAt = () => Date.parse(/at=([^&]+)/.exec(decodeURIComponent(page.url()))?.[1] ?? '')
    const begin = Date.now() - 900_000
    await page.mouse.move(x + width * 0.3, y + height / 2)
    await page.mouse.down()
    await expect.poll(() => (momentAt() - begin) / 900_000).toBeCloseTo(0.3, 1)
    await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 5 })
    await page.mouse.up()
    await expect.poll(() => (momentAt() - begin) / 900_000).toBeCloseTo(0.6, 1)
    const shown = momentAt()
    await page.mouse.move(x + width * 0.9, y + height / 2)
    await page.locator('[data-connection=past]').waitFor()
    expect(momentAt()).toBe(shown)
    await page.getByRole('button', { name: 'Back to live' }).click()
    await page.locator('[data-connection=live]').waitFor()
  })

  it('finds events of the log, opens one by its number, and exports what matches', async () => {
    const { fleet } = stage()
    const page = await openFleet(stage())
    const { id } = await spawn(fleet, { name: 'Gerda' })
    await spawn(fleet, { name: 'Hugo' })
    const path = `/projects/${fleet.project_id}/agents/${id}`
    await fleet.rest.patch(path, { status: 'working', current_task: 'Count the sheep' })
    await goTo(page, `#/p/${fleet.project_id}/log?agent=Gerda`)
    await page.getByText(/^Enter an ID such as/).waitFor()
    await goTo(page, `#/p/${fleet.project_id}/log?agent=${id}`)
    await page.getByText('The log begins here').waitFor()
    expect(await page.locator('.event').count()).toBe(2)
    await page.locator('.log-controls select').first().selectOption('agent.status_changed')
    await expect.poll(() => page.locator('.event').count()).toBe(1)
    expect(await findBarriers(page)).toEqual([])
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export JSON Lines' }).click()
    const lines = (await readFile(await (await saved).path(), 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ name: 'agent.status_changed' }])
    await page.locator('.event-text').click({ force: true })
    await page.locator('.log-open').getByText('"Count the sheep"').waitFor()
    await page.locator('.log-open').getByText('Gerda idle → working').waitFor()
    expect(await page.evaluate(() => location.hash)).toMatch(/log\?agent=.*&name=.*&seq=\d+$/)
    expect(await page.locator('.event').count()).toBe(1)
    await page.getByRole('button', { name: 'Close the event' }).click()
    await page.locator('.log-open').waitFor({ state: 'detached' })
    expect(await page.evaluate(() => location.hash)).toMatch(/name=agent.status_changed$/)
    await goTo(page, '#/audit?action=signed_in')
    await page.getByRole('cell', { name: 'signed in, from 127.0.0.1' }).first().waitFor()
    expect(await findBarriers(page)).toEqual([])
    expect(stage().faults).toEqual([])
  })
})
