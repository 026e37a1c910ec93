import { expect, it } from 'vitest'
import { addUser, password } from '../http/suite.ts'
import { Asker } from '../support/asker.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { createFleet, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { goTo, openFleet, openPage, signIn, useStage } from './browser.ts'

describeInBrowser('the dashboard', () => {
  const stage = useStage()

  async function connectRuntime(): Promise<RuntimeSocket> {
    const { origin, rest } = stage()
    const socket = new RuntimeSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, { token: rest.token })
    await socket.next('hello')
    return socket
  }

  it('refuses a wrong password, and says so', async () => {
    const page = await openPage(stage())
    // A first visit is no failure: the browser's console stays empty.
    const errors: string[] = []
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
    await page.reload()
    await page.fill('input[name=email]', 'admin@example.org')
    expect(errors).toEqual([])
    await page.fill('input[name=password]', 'a wrong password')
    await page.click('button[type=submit]')
    await page.getByRole('alert').getByText('Wrong e-mail or password').waitFor()
    await page.context().close()
  })

  it('keeps the session across a reload until a sign-out, with no secret that a script could read', async () => {
    const page = await openFleet(stage())
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    )
    expect(kept).not.toMatch(/sbr_|eyJ/)
    expect(page.url()).not.toMatch(/sbr_|eyJ/)
    const [cookie] = await page.context().cookies(`${stage().origin}/dashboard/session`)
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/dashboard/session' })

    await page.reload()
    await page.waitForSelector('[data-connection=live]')
    const tab = await page.context().newPage()
    await tab.goto(stage().origin)
    await tab.waitForSelector('.rail-project')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForSelector('input[name=password]')
    await tab.waitForSelector('input[name=password]')
    await page.reload()
    await page.waitForSelector('input[name=password]')
    await page.context().close()
  })

  it('keeps the session after the answer with its new cookie was lost', async () => {
    const page = await openFleet(stage())
    let lost = 0
    await page.route('**/dashboard/session', async (route) => {
      if (lost > 0 || route.request().method() !== 'PUT') return route.continue()
      lost++
      const { status } = await fetch(route.request().url(), {
        method: 'PUT',
        headers: await route.request().allHeaders(),
      })
      expect(status).toBe(200)
      await route.abort('connectionreset')
    })
    await page.reload()
    await page.waitForSelector('[data-connection=live]')
    expect(lost).toBe(1)
    await page.context().close()
  })

  it('shows a change within a second, without a reload', async () => {
    const { fleet } = stage()
    const agent = await spawn(fleet, { name: 'Changeling' })
    const page = await openFleet(stage())
    await page.locator(`#agent-${agent.id}`).getByText('idle').waitFor()
    const askedAt = performance.now()
    await fleet.rest.patch(`${fleet.agents}/${agent.id}`, { status: 'working' })
    await page.locator(`#agent-${agent.id}`).getByText('working').waitFor()
    expect(performance.now() - askedAt).toBeLessThan(1_000)
    await page.context().close()
  })

  it('pauses by click, and shows done once the runtime has acknowledged', async () => {
    const agent = await spawn(stage().fleet, { name: 'Obedient' })
    const runtime = await connectRuntime()
    await runtime.attach(agent.id)
    const page = await openFleet(stage())
    const row = page.locator(`#agent-${agent.id}`)
    await row.getByRole('button', { name: 'Pause Obedient' }).click()
    await page.getByLabel('Reason').fill('signal at danger')
    await page.getByLabel('Resume').selectOption('15')
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    const { id, reason } = await runtime.signal()
    expect(reason).toBe('signal at danger')
    await row.locator('[data-state=received]').waitFor()
    await row.getByText('pausing').waitFor()
    expect(await row.getByText('paused').count()).toBe(0)
    await runtime.acknowledge(agent.id, id)
    await row.locator('[data-state=done]').waitFor()
    expect(await row.getByText('paused').count()).toBe(1)
    await row.getByText(/1[45]:\d\d/).waitFor()

    await row.getByRole('button', { name: 'Resume Obedient' }).click()
    await page.getByRole('button', { name: 'Resume', exact: true }).click()
    await row.getByText('resuming').waitFor()
    await runtime.acknowledge(agent.id, (await runtime.signal()).id)
    await row.getByText('idle').waitFor()
    await runtime.close()
    await page.context().close()
  })

  it('terminates only the agent whose name was typed, also by keyboard', async () => {
    const agent = await spawn(stage().fleet, { name: 'Mortal 7' })
    const page = await openFleet(stage())
    await page.getByRole('searchbox').fill('mortal')
    await page.getByRole('grid').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('t')
    const confirm = page.getByRole('button', { name: 'Terminate', exact: true })
    expect(await confirm.isDisabled()).toBe(true)
    await page.locator('[data-confirm]').fill('Mortal 8')
    expect(await confirm.isDisabled()).toBe(true)
    await page.locator('[data-confirm]').fill('Mortal 7')
    await page.keyboard.press('Enter')
    await page.locator(`#agent-${agent.id} .status-terminated`).waitFor()
    await page.context().close()
  })

  it('says that it is offline, reconnects and misses nothing, while the list stays in place', async () => {
    const { fleet, origin } = stage()
    const agent = await spawn(fleet, { name: 'Traveller' })
    const proxy = await TcpProxy.to(origin)
    const page = await openFleet(stage(), { at: proxy.through(origin) })
    const row = page.locator(`#agent-${agent.id}`)
    await row.getByText('idle').waitFor()
    await page.evaluate(() => {
      const seen = { fewest: Number.POSITIVE_INFINITY }
      Object.assign(globalThis, { seen })
      const look = () => {
        seen.fewest = Math.min(seen.fewest, document.querySelectorAll('.rows .row').length)
        requestAnimationFrame(look)
      }
      look()
    })
    const rows = await page.locator('.rows .row').count()

    proxy.cut()
    await page.getByText(/Offline since \d\d:\d\d:\d\d/).waitFor()
    await row.getByRole('button', { name: 'Pause Traveller' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    const refused = page.getByText("Couldn't pause Traveller: no connection to the server.")
    await refused.waitFor()
    await fleet.rest.patch(`${fleet.agents}/${agent.id}`, { status: 'working', current_task: 'Continue' })
    proxy.heal()
    await page.waitForSelector('[data-connection=live]')
    await row.getByText('Continue').waitFor()
    // It is the same page: what was put into it is there, and in no frame was the list emptied.
    const fewest = await page.evaluate(
      () => (globalThis as unknown as { seen: { fewest: number } }).seen.fewest,
    )
    expect(fewest).toBe(rows)
    await page.getByRole('button', { name: 'Retry' }).click()
    await row.getByText('paused').waitFor()
    expect(await refused.count()).toBe(0)
    await page.context().close()
    await proxy.close()
  })

  it('shows a viewer everything, and no actions', async () => {
    const { fleet, rest } = stage()
    const credentials = { email: 'viewer@example.org', password: 'a long password' }
    const { body } = await rest.post<{ id: string }>('/users', credentials)
    await rest.put(`/projects/${fleet.project_id}/members/${body.id}`, { role: 'viewer' })
    const page = await signIn(await openPage(stage()), credentials)
    await page.locator('.rail-project').click()
    await page.getByText('viewer', { exact: true }).waitFor()
    await page.locator('.rows .row').first().waitFor()
    for (const lever of [/^Stop/, /^Spawn/, /^Pause /, /^Terminate /]) {
      expect(await page.getByRole('button', { name: lever }).count(), lever.source).toBe(0)
    }
    await page.context().close()
  })

  it('leaves nothing of a project whose access was removed', async () => {
    const { rest, origin } = stage()
    const fleet = await createFleet(rest)
    const agent = await spawn(fleet, { name: 'Ada', status: 'working' })
    const asker = await Asker.at(`${origin.replace('http', 'ws')}/api/v1/ws`, rest.token, agent.id)
    await asker.open({ message: 'Go on?' })
    const user = await addUser(rest)
    await rest.put(`/projects/${fleet.project_id}/members/${user.id}`, { role: 'operator' })
    const page = await signIn(await openPage(stage()), { email: user.email, password })
    await page.locator('.rail-project').click()
    await page.getByRole('button', { name: 'Stop everything' }).waitFor()
    await page.locator('.rail-body').getByRole('link', { name: 'Inbox 1' }).waitFor()
    await rest.delete(`/projects/${fleet.project_id}/members/${user.id}`)
    await page.getByText('Your access to this project was removed').waitFor()
    // What is left is read before anything else happens: no wait.
    const left = await page.locator('.stop, .hold, .tabs, .role, .rail-project').count()
    expect(left).toBe(0)
    await page.locator('.rail-body').getByRole('link', { name: 'Inbox', exact: true }).waitFor()
    await asker.close()
    await page.context().close()
  })

  it.each(['/a/019283b1-0000-7000-8000-000000000001', '/overview'])(
    'takes no access from a stranger who opens %s of a project',
    async (place) => {
      const { rest, fleet } = stage()
      const user = await addUser(rest)
      const page = await signIn(await openPage(stage()), { email: user.email, password }, '.shell')
      await goTo(page, `#/p/${fleet.project_id}`)
      await page.getByText("You don't have access to this project").waitFor()
      await goTo(page, `#/p/${fleet.project_id}${place}`)
      await page.getByText("You don't have access to this project").waitFor()
      const answered = page.waitForResponse(/\/projects\?/)
      await page.getByRole('button', { name: 'Check again' }).click()
      await answered
      await page.getByText("You don't have access to this project").waitFor()
      expect(await page.getByText('was removed').count()).toBe(0)
      await page.context().close()
    },
  )

  it('shows text as text, and everything about one agent', async () => {
    const { fleet } = stage()
    const name = '<img src=x onerror="document.title=1">'
    const agent = await spawn(fleet, {
      name,
      current_task: '<b>bold</b>',
      short_term_memory: { plan: ['<i>', 7] },
    })
    await fleet.rest.patch(`${fleet.agents}/${agent.id}`, { status: 'working', tokens_used: 1_234 })
    const page = await openFleet(stage())
    await page.getByText(name).click()
    await page.getByRole('heading', { name }).waitFor()
    await page.getByText('"<i>"').waitFor()
    await page.getByText('idle → working').waitFor()
    await page.getByLabel('Message to the runtime').fill('{"n": 1}')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('{"n":1}').waitFor()
    await page.locator('textarea:focus').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    await page.locator('button:focus', { hasText: 'Resume' }).waitFor()
    await goTo(page, `#/p/${fleet.project_id}/overview`)
    await page.locator('.plot canvas').first().waitFor()
    expect(await page.title()).not.toBe('1')
    await page.context().close()
  })

  it('selects no agent that a filter hides', async () => {
    const { fleet } = stage()
    for (const name of ['Hidden 1', 'Hidden 2', 'Visible 1']) await spawn(fleet, { name })
    const page = await openFleet(stage())
    await page.getByLabel('Select all shown').check()
    await page.getByRole('searchbox').fill('visible')
    await page.getByText('1 agent selected').waitFor()
    await page.getByRole('searchbox').fill('')
    await page.getByRole('gridcell').getByText('Hidden 1').waitFor()
    await page.getByText('1 agent selected').waitFor()
    await page.getByLabel('Select Hidden 2').check()
    await page.getByRole('toolbar').getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Visible 1, Hidden 2').waitFor()
    await page.getByRole('button', { name: 'Pause 2 agents' }).click()
    await page.getByText('Pause sent to 2 agents.').waitFor()
    await page.context().close()
  })

  it('spawns an agent, and explains each invalid limit', async () => {
    const page = await openFleet(stage())
    await page.getByRole('button', { name: 'Spawn' }).click()
    await page.getByLabel('Name', { exact: true }).fill('Newcomer')
    await page.getByLabel('Cost limit').fill('nothing')
    await page.getByRole('dialog').getByRole('button', { name: 'Spawn' }).click()
    await page.getByText('Enter an amount such as 1.50').waitFor()
    await page.getByLabel('Cost limit').fill('2.50')
    await page.getByLabel('Token limit').fill('a few')
    await page.getByRole('dialog').getByRole('button', { name: 'Spawn' }).click()
    await page.getByRole('dialog').getByText('Enter a whole number', { exact: false }).waitFor()
    await page.getByLabel('Token limit').fill('200k')
    await page.getByRole('dialog').getByRole('button', { name: 'Spawn' }).click()
    await page.getByRole('gridcell').getByText('Newcomer').waitFor()
    await page.getByText('Spawned Newcomer, limit 200,000 tokens and $2.50').waitFor()
    await page.context().close()
  })

  it('had no error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})
