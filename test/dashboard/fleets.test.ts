import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { goTo, openFleet, useStage } from './browser.ts'

/** What servers before labels, trees and modes left out of the events of project $1. */
const olden = statement(
  'test_olden_events',
  `update events set frame = (frame::jsonb #- '{agent,labels}' #- '{agent,external_id}' #- '{agent,parent_id}'
    #- '{agent,open_requests}' #- '{agent,holds}' #- '{agent,runtime,capabilities}' #- '{agent,runtime,client}'
    #- '{agent,control,mode}' #- '{agent,control,cause}' #- '{signal,mode}')::json where project_id = $1`,
)

describeInBrowser('the dashboard of a labelled fleet with trees', () => {
  const stage = useStage()

  async function open(): Promise<{ fleet: Fleet; page: Page }> {
    const fleet = await createFleet(stage().rest)
    return { fleet, page: await openFleet({ ...stage(), fleet }) }
  }

  /** Closes the dialog of a stop that was sent: not the form before it, whose cross has the same name. */
  const closeProgress = (page: Page) =>
    page.locator('[data-stopping]').getByRole('button', { name: 'Close' }).click()
  const openAgent = (page: Page, { project_id, id }: Agent) => goTo(page, `#/p/${project_id}/a/${id}`)
  const readAgent = async ({ rest, agents }: Fleet, id: string) =>
    (await rest.get<Agent>(`${agents}/${id}`)).body

  /** A runtime that runs these agents. */
  async function attach(ids: string[]): Promise<RuntimeSocket> {
    const { origin, rest } = stage()
    const runtime = new RuntimeSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, { token: rest.token })
    await runtime.next('hello')
    for (const id of ids) await runtime.attach(id)
    return runtime
  }

  /** Ada and Bob with one runtime, Cy with another, which is to be lost. */
  async function startThree(fleet: Fleet) {
    const start = async (name: string) => (await spawn(fleet, { name, status: 'working' })).id
    const ids = [await start('Ada'), await start('Bob'), await start('Cy')] as const
    return { ids, runtime: await attach([ids[0], ids[1]]), lost: await attach([ids[2]]) }
  }

  it('filters by labels that are clicked or typed, and says where a selector cannot be read', async () => {
    const { fleet, page } = await open()
    await spawn(fleet, { name: 'Ada', labels: { env: 'prod', team: 'support' } })
    await spawn(fleet, { name: 'Bob', labels: { team: 'support' } })
    await spawn(fleet, { name: 'Cy' })
    const names = page.locator('.rows .name-line')
    const search = page.getByRole('searchbox')
    await expect.poll(() => names.allTextContents()).toEqual(['Ada', 'Bob', 'Cy'])

    await page.locator('.row', { hasText: 'Bob' }).getByText('team=support').click()
    await expect.poll(() => names.allTextContents()).toEqual(['Ada', 'Bob'])
    await page.getByText('env=prod').click()
    await expect.poll(() => names.allTextContents()).toEqual(['Ada'])
    expect(await search.inputValue()).toBe('team=support,env=prod')
    expect(new URLSearchParams(page.url().split('?')[1]).get('q')).toBe('team=support,env=prod')

    await search.fill('bo team in (support')
    await page.getByText('Expected a comma or ), at position 20').waitFor()
    expect(await names.count()).toBe(0)
    await search.press('Escape')
    await expect.poll(() => names.allTextContents()).toEqual(['Ada', 'Bob', 'Cy'])

    await goTo(page, `#/p/${fleet.project_id}?q=team!%3Dsupport`)
    await expect.poll(() => names.allTextContents()).toEqual(['Cy'])
    await page.context().close()
  })

  it('adds and removes labels, and says what the server refuses', async () => {
    const { fleet, page } = await open()
    const agent = await spawn(fleet, { name: 'Ada', labels: { team: 'support' } })
    await openAgent(page, agent)
    await page.getByLabel('Key of the label').fill('tier')
    await page.getByLabel('Value of the label').fill('of gold')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('alert').getByText('A value has 0 to 63').waitFor()
    await page.getByLabel('Value of the label').fill('gold')
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'tier=gold' }).waitFor()
    await page.getByRole('button', { name: 'Remove label team' }).click()
    await page.getByRole('link', { name: 'team=support' }).waitFor({ state: 'detached' })
    expect((await readAgent(fleet, agent.id)).labels).toEqual({ tier: 'gold' })
    await page.getByRole('link', { name: 'tier=gold' }).click()
    await page.locator(`#agent-${agent.id}`).waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('tier=gold')
    await page.context().close()
  })

  it('shows parents and children, and pauses an agent with its descendants', async () => {
    const { fleet, page } = await open()
    const root = await spawn(fleet, { name: 'Root' })
    const child = await spawn(fleet, { name: 'Child', parent_id: root.id })
    const grandchild = await spawn(fleet, { name: 'Grandchild', parent_id: child.id })
    await spawn(fleet, { name: 'Stranger' })
    await page.getByTitle('Child of Root').waitFor()
    await page.locator(`#agent-${root.id}`).getByTitle('1 child').click()
    const shown = page.locator('.rows .row')
    await expect.poll(() => shown.count()).toBe(1)
    await page.getByRole('button', { name: 'Show all agents' }).click()
    await expect.poll(() => shown.count()).toBe(4)

    await openAgent(page, root)
    await page.getByText('1 more below them').waitFor()
    await page.getByRole('link', { name: 'Child' }).click()
    await page.getByRole('link', { name: 'Root' }).click()
    await page.getByRole('heading', { name: 'Root' }).waitFor()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    expect(await page.getByLabel('With its 2 descendants').isChecked()).toBe(true)
    await page.getByLabel('When').selectOption('interrupt')
    await page.getByRole('button', { name: 'Pause 3 agents' }).click()
    await openAgent(page, grandchild)
    await page.getByText('with its ancestor Root, by you', { exact: true }).waitFor()
    await page.getByText('pause sent while idle (interrupt), with its ancestor Root').waitFor()
    const { control } = await readAgent(fleet, child.id)
    expect(control).toMatchObject({ mode: 'interrupt', cause: { kind: 'parent', id: root.id } })

    await openAgent(page, root)
    await page.getByRole('button', { name: 'Resume', exact: true }).click()
    await page.getByLabel('With its 2 descendants').uncheck()
    await page.getByRole('dialog').getByRole('button', { name: 'Resume', exact: true }).click()
    await page.locator('.agent-head').getByText('idle').waitFor()
    expect((await readAgent(fleet, child.id)).status).toBe('paused')
    await page.context().close()
  })

  it('sends an order again, to one agent and to several', async () => {
    const { fleet, page } = await open()
    const [ada, bob] = [await spawn(fleet, { name: 'Ada' }), await spawn(fleet, { name: 'Bob' })]
    const runtime = await attach([ada.id, bob.id])
    await page.locator('[data-stop]').click()
    await page.getByRole('button', { name: 'Pause 2 agents' }).click()
    await closeProgress(page)
    const first = [await runtime.signal(), await runtime.signal()]

    await page.getByRole('button', { name: 'Pause Ada again' }).click()
    await page.getByLabel('When').selectOption('interrupt')
    await page.getByRole('dialog').getByRole('button', { name: 'Pause again' }).click()
    expect(await runtime.signal()).toMatchObject({ kind: 'pause', mode: 'interrupt', attempt: 1 })

    await page.getByLabel('Select all shown').check()
    await page.getByRole('toolbar').getByRole('button', { name: 'Pause again' }).click()
    await page.getByRole('button', { name: 'Pause 2 agents again' }).click()
    await page.getByText('Pause sent again to 2 agents.').waitFor()
    const last = [await runtime.signal(), await runtime.signal()]
    expect(new Set([...first, ...last].map(({ id }) => id)).size).toBe(4)

    await openAgent(page, ada)
    await page.getByText('pause sent again (interrupt)').waitFor()
    await runtime.close()
    await page.context().close()
  })

  it('names who does not obey, in their own words, until all have stopped', async () => {
    const { fleet, page } = await open()
    const { ids, runtime, lost } = await startThree(fleet)
    const [ada, bob, cy] = ids
    await page.locator('[data-count=needs]').getByText('0').waitFor()
    await lost.close()
    await page
      .locator(`#agent-${cy}`)
      .getByText(/^runtime lost \d+s ago, was working$/)
      .waitFor()
    await page.locator('.tile-working').getByText('+ 1 lost').waitFor()
    await expect.poll(() => page.title()).toMatch(/^\d+! Line · Signalbox$/)

    await page.locator('[data-stop]').click()
    await page.getByRole('button', { name: 'Pause 3 agents' }).click()
    const signals = [await runtime.signal(), await runtime.signal()]
    await page.locator('.tile-paused').getByText('+ 2 pausing').waitFor()
    const details = { outcome: 'failed', detail: 'in the middle of a booking' }
    const ack = { type: 'ack', agent_id: bob, signal_id: signals[1]?.id, ...details }
    await runtime.ask(ack, 'acknowledged')
    await runtime.acknowledge(ada, signals[0]?.id ?? '')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('1 agent did not stop').waitFor()
    await dialog.getByText('in the middle of a booking').waitFor()
    await dialog.getByRole('link', { name: 'Show these in the fleet' }).click()
    await page.getByText('pause failed: in the middle of a booking').waitFor()
    const shown = page.locator('.rows .name-line')
    await expect.poll(() => shown.allTextContents()).toEqual(['Bob'])
    expect(page.url()).toContain(`?ids=${bob}`)
    await page.getByText('1 of 3 agents', { exact: true }).waitFor()
    const bar = page.locator('.stop-bar')
    await bar.getByText('1 of 3 agents have stopped').waitFor()
    await bar.getByText(/1 did not: Bob \(failed\)\. 1 without a runtime: Cy\.$/).waitFor()
    await page.getByRole('button', { name: 'Details' }).click()
    await dialog.getByRole('button', { name: 'Pause again' }).click()
    await runtime.acknowledge(bob, (await runtime.signal()).id)
    await dialog
      .getByText(/^Pause sent by you at .* to 3 agents\. 2 stopped .* 1 without a runtime: Cy\.$/)
      .waitFor()
    await closeProgress(page)
    await bar.getByRole('button', { name: 'Dismiss' }).click()
    await page.getByText('agents have stopped').waitFor({ state: 'detached' })
    await runtime.close()
    await page.context().close()
  })

  it('counts agents as running that have not obeyed a terminate, and lost ones as lost', async () => {
    const { fleet, page } = await open()
    const { ids, runtime, lost } = await startThree(fleet)
    const [ada, bob, cy] = ids
    await page.locator('[data-count=needs]').getByText('0').waitFor()
    await lost.close()
    await page.locator('.tile-working').getByText('+ 1 lost').waitFor()

    await page.locator('[data-stop]').click()
    await page.getByRole('button', { name: 'Pause 3 agents' }).click()
    const signals = [await runtime.signal(), await runtime.signal()]
    const refusal = { outcome: 'failed', detail: 'no' }
    await runtime.ask({ type: 'ack', agent_id: bob, signal_id: signals[1]?.id, ...refusal }, 'acknowledged')
    await runtime.acknowledge(ada, signals[0]?.id ?? '')
    await page.getByRole('dialog').getByText('1 agent did not stop').waitFor()
    await closeProgress(page)
    const row = (id: string) => page.locator(`#agent-${id}`)
    await row(cy).getByText('lost', { exact: true }).first().waitFor()
    await row(cy)
      .getByText(/^runtime lost \d+s ago, pause not received$/)
      .waitFor()
    await page.locator('.tile-paused').getByText('+ 1 lost').waitFor()

    await fleet.rest.delete(`${fleet.agents}/${bob}`)
    await fleet.rest.post(`${fleet.agents}/${ada}/resume`)
    await fleet.rest.post(`${fleet.agents}/${cy}/resume`)
    await row(bob).locator('.status-stopping').waitFor()
    await row(cy)
      .getByText(/^runtime lost \d+s ago, resume not received$/)
      .waitFor()
    await row(ada).locator('.status-resuming').waitFor()
    expect(await page.locator('[aria-current=page] .rail-count').textContent()).toBe('3')
    await page.locator('.tile-needs').click()
    await page.locator('.tile-paused').click()
    await page.getByText('0 of 3 agents').waitFor()
    await page.getByRole('button', { name: 'Show all agents' }).click()
    await row(bob).waitFor()
    expect(page.url()).not.toContain('?')
    const bar = page.locator('.stop-bar')
    const receipt =
      /1 of 3 agents have stopped, 1 resumed since.*1 did not: Bob \(failed, then terminate sent at .*1 without a runtime: Cy/
    await bar.getByText(receipt).waitFor()
    await page.reload()
    await bar.getByText(receipt).waitFor()
    await page.locator('[data-stop]').click()
    await page.getByText(/^1 agent is still stopping/).waitFor()
    await page.getByText('Terminate every agent').click()
    await page.getByRole('button', { name: 'Terminate 3 agents' }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()

    const signal = await runtime.signal()
    await runtime.acknowledge(bob, signal.id)
    await row(bob).locator('.status-terminated').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('input[name=password]').waitFor()
    const kept = () => page.evaluate(() => sessionStorage.length)
    await expect.poll(kept).toBe(0)
    await runtime.close()
    await page.context().close()
  })

  it('shows how far the agents of a hold are, and counts no agent as paused that is not', async () => {
    const { fleet, page } = await open()
    const [ada, bob] = [await spawn(fleet, { name: 'Ada' }), await spawn(fleet, { name: 'Bob' })]
    const runtime = await attach([ada.id, bob.id])
    await page.locator('.tile-plain').getByText('2', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Hold…' }).click()
    await page.getByLabel('Reason').fill('Wrong source')
    await page.getByRole('button', { name: 'Place the hold' }).click()
    await page.getByText('Hold placed. Pause sent to 2 agents.').waitFor()
    const banner = page.getByRole('region', { name: 'Holds' })
    await banner.getByText('0 agents paused, 2 pausing').waitFor()
    const bar = page.locator('.stop-bar')
    await bar.getByText('0 of 2 agents have stopped').waitFor()
    const signals = [await runtime.signal(), await runtime.signal()]
    await runtime.acknowledge(ada.id, signals[0]?.id ?? '')
    await banner.getByText('1 agent paused, 1 pausing').waitFor()
    await bar
      .getByText(/^Pause by a hold sent by you at .* to 2 agents\. 1 stopped .* 1 not yet\.$/)
      .waitFor()
    await runtime.acknowledge(bob.id, signals[1]?.id ?? '')
    await banner.getByText('2 agents paused').waitFor()
    await bar.getByRole('button', { name: 'Dismiss' }).click()
    await bar.waitFor({ state: 'detached' })
    await runtime.close()
    await page.context().close()
  })

  it('shows events that an older server wrote', async () => {
    const { fleet, page } = await open()
    const agent = await spawn(fleet, { name: 'Elder', labels: { team: 'support' } })
    await fleet.rest.post(`${fleet.agents}/${agent.id}/pause`, { reason: 'tea' })
    await stage().app.database.run(olden, [fleet.project_id])
    await page.reload()
    await page.locator(`#agent-${agent.id}`).getByText('team=support').waitFor()
    await openAgent(page, agent)
    await page.getByText('pause sent while idle').waitFor()
    await goTo(page, `#/p/${fleet.project_id}/overview`)
    await page.getByText('pause sent while idle').waitFor()
    await page.context().close()
  })

  it('had no error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})
