import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { blockOf, sayBlock } from '#src/dashboard/model/blocks.ts'
import { readLimit, suggestLimit } from '#src/dashboard/model/budget-words.ts'
import { bucketStarts, mergeGroups, sumUp } from '#src/dashboard/model/usage.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { Hold } from '#src/domain/hold.ts'
import type { UsageSum } from '#src/domain/usage.ts'
import { anAgent } from '../domain/an-agent.ts'
import { addUser, password } from '../http/suite.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { createFleet, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { findBarriers, goTo, openFleet, openPage, signIn, useStage } from './browser.ts'

const NOW = Date.parse('2026-11-23T12:34:00.000Z')
const row = (bucket: string, group: string | null, cost_incurred: string): UsageSum => ({
  bucket,
  group,
  cost_incurred,
  tasks_completed: 1,
  tokens_used: 10,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  reasoning_output_tokens: 0,
})

describe('usage, added up', () => {
  it('has whole hours and days, up to the present one', () => {
    const hours = bucketStarts('24h', NOW)
    expect(hours).toHaveLength(24)
    expect([hours.at(-1), hours[0]]).toEqual([NOW - 34 * 60_000, NOW - 34 * 60_000 - 23 * 3_600_000])
    const days = bucketStarts('30d', NOW)
    expect(days).toHaveLength(30)
    expect(new Date(days.at(-1) ?? 0).getHours()).toBe(0)
  })

  it('counts money exactly, and each row in its bucket', () => {
    const buckets = bucketStarts('24h', NOW)
    const time = (index: number) => new Date(buckets[index] ?? 0).toISOString()
    const rows = [row(time(0), 'a', '0.1'), row(time(23), 'a', '0.2'), row(time(23), null, '0.0001')]
    const { all, groups } = sumUp(buckets, rows, rows)
    expect(all.spent).toMatchObject({ costUnits: 3_001, tokens_used: 30, tasks_completed: 3 })
    expect(groups.map(({ key, spent }) => [key, spent.costUnits])).toEqual([
      ['a', 3_000],
      [null, 1],
    ])
    expect(groups[0]?.byBucket[23]?.costUnits).toBe(2_000)
    const { spent, byBucket } = mergeGroups(groups)
    expect([spent.costUnits, byBucket[23]?.costUnits, byBucket[1]?.costUnits]).toEqual([3_001, 2_001, 0])
  })
})

describe('what keeps an agent paused', () => {
  const hold: Hold = {
    id: 'h',
    project_id: 'p',
    group_id: null,
    reason: 'Bad source',
    selector: null,
    agent_type_id: null,
    mode: 'checkpoint',
    until: null,
    cause: { kind: 'order', id: null },
    created_by: { kind: 'user', id: 'u' },
    created_at: '2026-11-23T12:34:00.000Z',
    released_at: null,
    released_by: null,
    affected_count: 1,
  }
  const ofBudget: Hold = { ...hold, id: 'b', cause: { kind: 'budget', id: 'tea' } }
  const stops = {
    holds: new Map([hold, ofBudget].map((one) => [one.id, one])),
    budgets: new Map([['tea', { name: 'Tea' }]]),
  }
  const paused = (own: Parameters<typeof anAgent>[0], holds: string[] = []) => ({
    ...toAgentSummary(anAgent({ status: 'paused', ...own })),
    holds,
  })

  it.each([
    [paused({}, ['h', 'b']), 'hold', 'held: Bad source'],
    [paused({}, ['b', 'h']), 'budget', 'over budget Tea'],
    [paused({ token_limit: 5, tokens_used: 5 }), 'limit', undefined],
    [paused({ token_limit: 5, tokens_used: 5 }, ['h']), 'hold', 'held: Bad source'],
    [paused({}), undefined, undefined],
    [{ ...paused({}, ['h']), status: 'idle' as const }, undefined, undefined],
  ])('is the oldest hold, else a limit: %#', (agent, kind, words) => {
    const block = blockOf(agent, stops)
    expect([block?.kind, sayBlock(block, stops)]).toEqual([kind, words])
  })

  it('can be lifted by a limit that is more than what is spent', () => {
    expect(suggestLimit('cost', { limit: '1.0000', spent: '50.0000' })).toBe('75')
    expect(suggestLimit('cost', { limit: '0.0001', spent: '0.0001' })).toBe('0.0002')
    expect(suggestLimit('tokens', { limit: 1, spent: 1 })).toBe('2')
    expect(readLimit('tokens', '1.5M')).toBe(1_500_000)
    expect(readLimit('cost', '$75')).toBe('75')
    expect(() => readLimit('tokens', 'a lot')).toThrow('Enter a whole number')
  })
})

describeInBrowser('the usage of a project', () => {
  const stage = useStage()

  it('is shown by model, agent and label, and exported, as the address says', async () => {
    const { fleet, origin, rest } = stage()
    const runtime = new RuntimeSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, { token: rest.token })
    await runtime.next('hello')
    const page = await openFleet(stage())
    await goTo(page, `#/p/${fleet.project_id}/usage`)
    await page.getByText('No usage in the last 24 hours').waitFor()
    const used = { model: 'large', input_tokens: 900, output_tokens: 100, cost_incurred: '1.25' }
    for (const [name, usage] of [
      ['Ada', used],
      ['Bob', { tokens_used: 5 }],
    ] as const) {
      const { id } = await spawn(fleet, { name, labels: { team: name.toLowerCase() } })
      await runtime.attach(id)
      await runtime.report(id, { n: 1, usage })
    }
    await page.getByText('7 days').click()
    const cells = page.getByRole('region', { name: 'Usage by group' }).locator('tbody tr')
    const firstCells = () => cells.locator('th, td:nth-of-type(2), td:nth-of-type(3)').allTextContents()
    await expect.poll(firstCells).toEqual(['large', '$1.25', '1,000', 'No model', '$0.00', '5'])
    await page.locator('.plot canvas').waitFor()
    await page.getByLabel('Group by').selectOption('label:team')
    await expect.poll(firstCells).toEqual(['ada', '$1.25', '1,000', 'bob', '$0.00', '5'])
    await page.getByPlaceholder('All agents, or label=value').fill('team=bob')
    await page.getByLabel('Group by').selectOption('agent')
    await expect.poll(firstCells).toEqual(['Bob', '$0.00', '5'])
    expect(page.url()).toMatch(/usage\?over=7d&by=agent&q=team%3Dbob$/)
    await page.reload()
    await expect.poll(firstCells).toEqual(['Bob', '$0.00', '5'])
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export CSV' }).click(),
    ])
    expect(file.suggestedFilename()).toMatch(/^usage-.*-7d-agent\.csv$/)
    const [head, line] = (await readFile(await file.path(), 'utf8')).split(/\r?\n/)
    expect(head).toMatch(/^bucket,group,tasks_completed,tokens_used/)
    expect(line?.split(',')[3]).toBe('5')
    expect(stage().faults).toEqual([])
    await runtime.close()
    await page.context().close()
  })

  it('is limited by budgets, and all of it is stopped by holds, until an operator lifts them', async () => {
    const { origin, rest } = stage()
    const fleet = await createFleet(rest)
    const runtime = new RuntimeSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, { token: rest.token })
    await runtime.next('hello')
    const ada = await spawn(fleet, { name: 'Ada', status: 'working' })
    const page = await openFleet({ ...stage(), fleet }, { colorScheme: 'dark' })
    const row = (id: string) => page.locator(`#agent-${id}`)
    const banner = page.getByRole('region', { name: 'Holds' })

    await page.getByRole('button', { name: 'Stop everything' }).click()
    await page.getByLabel('Also stop agents that start later').check()
    await page.getByLabel('Reason').fill('Bad source')
    await page.getByRole('button', { name: 'Pause and hold 1 agent' }).click()
    await page.getByText('has stopped').waitFor()
    await page.getByRole('dialog').getByText('Close', { exact: true }).click()
    await banner.getByText('Held: Bad source').waitFor()
    const bob = await spawn(fleet, { name: 'Bob' })
    expect(bob.status).toBe('paused')
    await row(bob.id).getByText('held: Bad source').waitFor()
    await banner.getByText('2 agents paused').waitFor()
    const viewer = await addUser(rest)
    await rest.put(`/projects/${fleet.project_id}/members/${viewer.id}`, { role: 'viewer' })
    const other = await signIn(await openPage(stage()), { email: viewer.email, password })
    await goTo(other, `#/p/${fleet.project_id}`)
    await other.getByText('Held: Bad source', { exact: true }).waitFor()
    await other.locator('.role', { hasText: 'viewer' }).waitFor()
    expect(await other.getByRole('button', { name: /Release|Hold|Stop/ }).count()).toBe(0)
    await other.context().close()
    await row(bob.id).getByRole('button', { name: 'Resume Bob' }).click()
    await page.getByRole('dialog', { name: 'Bob is held' }).getByText('Placed by you').waitFor()
    expect(await findBarriers(page)).toEqual([])
    await page.getByRole('button', { name: 'Release the hold' }).click()
    await page.getByText('Hold released. Resume sent to 2 agents.').waitFor()
    await row(bob.id).getByText('idle').waitFor()
    expect(await banner.count()).toBe(0)

    await page.getByRole('button', { name: 'Hold…' }).click()
    await page.getByRole('dialog').getByText('Holds all 2 agents').waitFor()
    await page.getByRole('dialog').getByLabel('Labels').fill('team=news')
    await page.getByRole('dialog').getByText('Holds 0 of 2 agents').waitFor()
    await page.keyboard.press('Escape')

    await page.getByRole('link', { name: 'Budgets' }).click()
    await page.getByRole('button', { name: 'New budget' }).click()
    await page.getByLabel('Name').fill('Tea')
    await page.getByLabel('Limit in $').fill('1')
    await page.getByRole('button', { name: 'Create' }).click()
    const tea = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'Tea' }) })
    await tea.getByText('$0.00 of $1.00').waitFor()
    await tea.getByText(/counts from/).waitFor()
    await runtime.attach(ada.id)
    await runtime.report(ada.id, { n: 1, usage: { model: 'large', cost_incurred: '1.50' } })
    await banner.getByText('Budget Tea is used up').waitFor()
    await tea.getByText('150% · used up').waitFor()
    expect(await findBarriers(page)).toEqual([])
    await tea.getByRole('button', { name: 'Raise limit and resume' }).click()
    await page.getByLabel('New limit in $').fill('1.5')
    const raise = page.getByRole('dialog').getByRole('button', { name: 'Raise limit and resume' })
    await raise.click()
    await page.getByRole('alert').getByText('Enter more than what is spent, $1.50').waitFor()
    await page.getByLabel('New limit in $').fill('3')
    await raise.click()
    await page.getByText('Limit of Tea raised to $3.00').waitFor()
    await tea.getByText('50% · within its limit').waitFor()
    expect(await banner.count()).toBe(0)

    await fleet.rest.patch(`${fleet.agents}/${ada.id}`, { cost_limit: '1.2' })
    await goTo(page, `#/p/${fleet.project_id}/a/${ada.id}`)
    await page.getByRole('button', { name: 'Raise limit and resume' }).click()
    await page.getByRole('dialog').getByText('$1.50 of $1.20').waitFor()
    await page.keyboard.type('1')
    await raise.click()
    await page.getByRole('dialog').getByText('Enter more than what is used, $1.50').waitFor()
    await page.locator('[aria-invalid=true]:focus').waitFor()
    await page.keyboard.type('4')
    await raise.click()
    await page.getByText('Limit of Ada raised to $4.00. Resume sent.').waitFor()
    await page.getByRole('article', { name: 'Ada' }).getByRole('button', { name: 'Pause' }).waitFor()

    await runtime.attach(bob.id)
    await runtime.report(bob.id, { n: 1, usage: { model: 'large', cost_incurred: '0.50' } })
    for (const { id } of [ada, bob]) await fleet.rest.patch(`${fleet.agents}/${id}`, { cost_limit: '0.2' })
    await goTo(page, `#/p/${fleet.project_id}`)
    await row(ada.id).getByText(/^paus/).first().waitFor()
    await row(bob.id).getByText(/^paus/).first().waitFor()
    await page.getByLabel('Select all shown').check()
    await page.getByRole('toolbar').getByRole('button', { name: 'Resume' }).click()
    const both = page.getByRole('dialog', { name: '2 agents are over their limits' })
    await both.getByText('Ada 0 tokens, $1.50 of $0.20').waitFor()
    await both.getByText('Bob 0 tokens, $0.50 of $0.20').waitFor()
    expect(await findBarriers(page)).toEqual([])
    await page.keyboard.type('3')
    await raise.click()
    await page.getByText('Limit of 2 agents raised to $3.00.').waitFor()
    await page.getByText('Resume sent to 2 agents.').waitFor()
    for (const { id } of [ada, bob])
      await row(id)
        .getByRole('button', { name: /^Pause/ })
        .waitFor()

    await fleet.rest.patch(`${fleet.agents}/${bob.id}`, { cost_limit: '0.2' })
    await row(bob.id).getByText(/^paus/).first().waitFor()
    await fleet.rest.post(`${fleet.agents}/${ada.id}/pause`)
    await row(ada.id).getByText(/^paus/).first().waitFor()
    await page.getByRole('toolbar').getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('button', { name: 'Resume 2 agents' }).click()
    await page.getByText('Resume sent to 1 agent. 1 is over its cost limit.').waitFor()
    await page.getByRole('button', { name: 'Raise limits', exact: true }).click()
    await page.getByRole('dialog', { name: 'Bob is over its limit' }).waitFor()
    await page.getByText('Resume sent to 1 agent.').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.getByRole('toolbar').getByRole('button', { name: 'Limits…' }).click()
    await page.getByLabel('Resume Bob, paused over a limit').waitFor()
    await page.getByLabel('Cost limit in $').fill('5')
    await page.getByRole('button', { name: 'Set the limits' }).click()
    await row(bob.id)
      .getByRole('button', { name: /^Pause/ })
      .waitFor()
    expect(stage().faults).toEqual([])
    await runtime.close()
    await page.context().close()
  })
})
