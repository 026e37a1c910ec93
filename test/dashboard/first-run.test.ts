import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { runAgent } from '#src/client/index.ts'
import { admin } from '../support/admin.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { findBarriers, goTo, openPage, signIn, useEmptyStage } from './browser.ts'

const client = new URL('../../src/client/index.ts', import.meta.url).href

/** Runs a program of the page until the end of `during`. */
async function withProgram(text: string, during: () => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-'))
  const file = join(folder, 'agent.ts')
  writeFileSync(file, text.replace("'@signalbox/client'", `'${client}'`))
  const program = spawn(process.execPath, [file], { stdio: 'inherit' })
  try {
    await during()
  } finally {
    program.kill()
    if (program.exitCode === null && program.signalCode === null) await once(program, 'exit')
    rmSync(folder, { recursive: true })
  }
}

describeInBrowser('the dashboard of an empty server', () => {
  const stage = useEmptyStage()

  const focused = (page: Page) =>
    page.evaluate(() => document.activeElement?.closest('label, .field, button')?.textContent?.trim())
  const dialog = (page: Page) => page.getByRole('dialog')
  const problemOf = (page: Page, name: string) => page.locator(`[data-problem=${name}]`)

  /** Runs agents of the first project with a runtime key. */
  const agentStarter = async () => {
    const { rest, origin: url } = stage()
    const { data } = (await rest.get<{ data: { id: string }[] }>('/projects')).body
    const project_id = data[0]?.id ?? ''
    const wanted = { name: 'agents', role: 'runtime', project_id }
    const { key: token } = (await rest.post<{ key: string }>('/api-keys', wanted)).body
    const start = (name: string, external_id: string) =>
      runAgent({ url, token, external_id, name, agent_type: 'crawler' })
    return { project_id, start }
  }

  it('leads from the first sign-in to the first lit lamp, by the keyboard alone', async () => {
    const page = await signIn(await openPage(stage()), admin, '.steps input')
    expect(await findBarriers(page)).toEqual([])
    await expect.poll(() => focused(page)).toBe('Name')
    await page.keyboard.type('Die Nördliche Linie')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Create the type' }).waitFor()
    await expect.poll(() => focused(page)).toBe('Name')
    await page.keyboard.type('Crawler')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Create the key' }).waitFor()
    await expect.poll(() => focused(page)).toBe('Name')
    expect(await page.locator('.snippet pre').textContent()).toContain('YOUR_KEY')
    await page.keyboard.press('Enter')
    const key = (await page.locator('.copy-field code').textContent()) ?? ''
    expect(key).toMatch(/^sbx_/)
    await expect.poll(() => focused(page)).toBe('Copy the program')
    await page.getByText('Waiting for your agent').waitFor()
    expect(await findBarriers(page)).toEqual([])

    const program = (await page.locator('.snippet pre').textContent()) ?? ''
    expect(program).toContain(`token: '${key}'`)
    expect(await page.getByText('takes it over').count()).toBe(0)
    await withProgram(program, async () => {
      await page.getByRole('heading', { name: 'First agent is connected' }).waitFor()
      await page.locator('.arrival .status-working').waitFor()
      await page.getByRole('link', { name: 'Open First agent' }).click()
      await page.locator('.agent-head .status-working').waitFor()
    })
    const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, history.state]))
    expect(stored).not.toContain('sbx_')
    await page.goBack()
    await page.getByRole('button', { name: 'Create the key' }).waitFor()
    expect(await page.content()).not.toContain(key)
    await page.context().close()
  })

  it('suggests an unused name to the second agent, and warns of one that takes over the first', async () => {
    const page = await signIn(await openPage(stage()))
    const { project_id, start } = await agentStarter()
    const agent = await start('First agent', 'first-agent')
    await goTo(page, `#/p/${project_id}`)
    await page.getByRole('link', { name: 'First agent' }).waitFor()
    await goTo(page, `#/p/${project_id}/connect`)
    const name = page.getByLabel('Name of the agent')
    await expect.poll(() => name.inputValue()).toBe('Agent 2')
    await page.getByRole('button', { name: 'I have a key' }).click()
    await page.getByText('Waiting for your agent').waitFor()
    await name.fill('First agent')
    await page.getByText('First agent runs with the id first-agent. This program takes it over').waitFor()
    await page.getByText('Waiting for your agent').waitFor()
    expect(await findBarriers(page)).toEqual([])
    const second = await start('First agent', 'first-agent')
    await page.getByRole('heading', { name: 'First agent is connected' }).waitFor()
    await name.fill('Another')
    await page.getByText('Waiting for your agent').waitFor()
    await Promise.all([agent.close(), second.close()])
    await page.context().close()
  })

  it('says what a runtime has refused, and that its program has ended', async () => {
    const { project_id, start } = await agentStarter()
    const agent = await start('Guest', 'guest')
    const page = await signIn(await openPage(stage()))
    await goTo(page, `#/p/${project_id}/a/${agent.agent_id}`)
    await page.getByLabel('Message to the runtime').fill('Please hurry')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('The last message failed: This runtime takes no messages').waitFor()
    await page.getByRole('row', { name: 'message Please hurry' }).waitFor()
    await page.getByText('message failed: This runtime takes no messages', { exact: true }).waitFor()
    await agent.report({ status: 'terminated' })
    await page.locator('.agent-status').getByText('ended by itself').waitFor()
    await agent.close()
    await page.locator('.runtime-ended').waitFor()
    expect(await page.getByText('Last command').count()).toBe(0)
    await page.getByText('idle → ended').waitFor()
    expect(await findBarriers(page)).toEqual([])
    await page.context().close()
  })

  it('creates users and members, and shows refusals at their fields', async () => {
    const page = await signIn(await openPage(stage()))
    await goTo(page, '#/users')
    const opener = page.getByRole('button', { name: 'New user' })
    await opener.click()
    await expect.poll(() => focused(page)).toBe('E-mail')
    await page.keyboard.press('Escape')
    await expect.poll(() => focused(page)).toBe('New user')
    await opener.click()
    await dialog(page).getByLabel('E-mail').fill(admin.email)
    await dialog(page).getByLabel('Password').fill('short')
    await page.keyboard.press('Enter')
    await problemOf(page, 'password').getByText('Enter at least 8 characters').waitFor()
    await dialog(page).getByLabel('Password').fill('a good password')
    await page.keyboard.press('Enter')
    await problemOf(page, 'email').getByText('Another user has this email. Enter a different one').waitFor()
    await expect.poll(() => focused(page)).toContain('E-mail')
    await dialog(page).getByLabel('E-mail').fill('rosa@example.org')
    await dialog(page).getByLabel('Full name').fill('Rosa')
    await page.keyboard.press('Enter')
    const row = page.getByRole('row', { name: 'Rosa' })
    await row.waitFor()
    expect(await findBarriers(page)).toEqual([])

    const [project] = (await stage().rest.get<{ data: { id: string }[] }>('/projects')).body.data
    await goTo(page, `#/p/${project?.id}/members`)
    await page.getByRole('row', { name: 'owner' }).getByText(admin.email).first().waitFor()
    await page.getByRole('button', { name: 'Add a member' }).click()
    await dialog(page).getByLabel('E-mail').fill('nobody@example.org')
    await page.keyboard.press('Enter')
    await problemOf(page, 'email').getByText('No user with this e-mail').waitFor()
    await dialog(page).getByLabel('E-mail').fill('rosa@example.org')
    await page.keyboard.press('Enter')
    await row.getByRole('button', { name: 'Remove' }).click()
    await dialog(page).getByRole('button', { name: 'Remove' }).click()
    await row.waitFor({ state: 'detached' })

    await goTo(page, '#/users')
    await row.getByRole('button', { name: 'Disable' }).click()
    await dialog(page).getByRole('button', { name: 'Disable' }).click()
    await row.getByText('disabled').waitFor()
    await page.context().close()
  })

  it('creates and revokes keys and tokens, and shows each secret once', async () => {
    const page = await signIn(await openPage(stage()))
    await goTo(page, '#/keys')
    await page.getByRole('button', { name: 'New key' }).click()
    await dialog(page).getByLabel('Name').fill('watcher')
    await dialog(page).getByLabel('Role').selectOption('viewer')
    await dialog(page).getByLabel('Project').selectOption('')
    await dialog(page).getByRole('button', { name: 'Create the key' }).click()
    const key = (await dialog(page).locator('.copy-field code').textContent()) ?? ''
    await page.locator('tr', { hasText: 'watcher' }).waitFor()
    expect((await stage().rest.as(key).get('/projects')).status).toBe(200)
    await expect.poll(() => focused(page)).toBe('Copy Key')
    await dialog(page).getByRole('button', { name: 'Done' }).click()
    const row = page.getByRole('row', { name: 'watcher' })
    await row.getByRole('button', { name: 'Revoke' }).click()
    await dialog(page).getByRole('button', { name: 'Revoke' }).click()
    await page.locator('tr', { hasText: 'watcher' }).waitFor({ state: 'detached' })
    await page.locator('.page :focus').waitFor()
    expect((await stage().rest.as(key).get('/projects')).status).toBe(401)
    expect(await findBarriers(page)).toEqual([])

    await page.locator('.rail-project').click()
    await page.getByRole('link', { name: 'First agent' }).click()
    await page.getByRole('button', { name: 'New token' }).click()
    await dialog(page).getByRole('button', { name: 'Create the token' }).click()
    await dialog(page).locator('.copy-field code').getByText('sba').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Revoke all' }).click()
    await dialog(page).getByRole('button', { name: 'Revoke all' }).click()
    await page.getByText('Revoked 1 token of First agent').waitFor()

    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await dialog(page).getByLabel('Token limit').fill('200 apples')
    await page.keyboard.press('Enter')
    await problemOf(page, 'token_limit').getByText('Enter a whole number').waitFor()
    await dialog(page).getByLabel('Token limit').fill('200k')
    await dialog(page).getByLabel('Cost limit').fill('1.50')
    await page.keyboard.press('Enter')
    await page.getByText('of 200,000').first().waitFor()
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await dialog(page).getByLabel('Token limit').fill('')
    await page.keyboard.press('Enter')
    await page.getByText('of 200,000').first().waitFor({ state: 'detached' })
    await page.getByText('of $1.50').first().waitFor()
    await page.context().close()
  })

  it('edits a project and its webhooks, and deletes it once its name is typed', async () => {
    const page = await signIn(await openPage(stage()))
    await page.getByRole('button', { name: 'New project' }).click()
    await dialog(page).getByLabel('Name').fill('Second line')
    await dialog(page).getByLabel('Slug').fill('Second Line')
    await page.keyboard.press('Enter')
    await problemOf(page, 'slug').getByText('Use lower-case letters, digits, - and _').waitFor()
    await dialog(page).getByLabel('Slug').fill('second')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Connect an agent' }).waitFor()
    await page.getByRole('link', { name: 'Settings' }).click()

    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await dialog(page).getByLabel('Slug').fill('third')
    await dialog(page).getByText('Programs that say second fail').waitFor()
    await page.keyboard.press('Escape')

    await page.getByRole('button', { name: 'New webhook' }).click()
    await dialog(page).getByLabel('URL').fill('ftp://example.org')
    await page.keyboard.press('Enter')
    await problemOf(page, 'url').getByText('Enter an http or https address').waitFor()
    await dialog(page).getByLabel('URL').fill('http://10.0.0.1/hook')
    await page.keyboard.press('Enter')
    await problemOf(page, 'url').getByText('WEBHOOK_ALLOWED_NETWORKS').waitFor()
    await dialog(page).getByLabel('URL').fill('https://example.org/hook')
    await dialog(page).getByLabel('agent.terminated').check()
    await page.keyboard.press('Enter')
    await dialog(page).locator('.copy-field code').getByText('whsec_').waitFor()
    await dialog(page).getByRole('button', { name: 'Done' }).click()
    await page.getByText('Signalbox events · agent.terminated').waitFor()
    await page.getByRole('button', { name: 'New secret' }).click()
    await dialog(page).getByRole('button', { name: 'Create a new secret' }).click()
    await dialog(page).locator('.copy-field code').getByText('whsec_').waitFor()
    await page.keyboard.press('Escape')
    expect(await findBarriers(page)).toEqual([])

    await page.getByRole('button', { name: 'Delete…' }).click()
    const remove = dialog(page).getByRole('button', { name: 'Delete the project' })
    await dialog(page).getByLabel('Type second to confirm').fill('first')
    expect(await remove.isDisabled()).toBe(true)
    await page.keyboard.press('Enter')
    await dialog(page).getByLabel('Type second to confirm').fill('second')
    await expect.poll(() => remove.isEnabled()).toBe(true)
    await page.keyboard.press('Enter')
    await page.getByText('Deleted Second line').waitFor()
    await page.getByRole('link', { name: 'Second line' }).first().waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('changes the own name and password, and stays signed in', async () => {
    const { rest } = stage()
    const ada = { email: 'ada@example.org', password: 'the first password' }
    await rest.post('/users', ada)
    const page = await signIn(await openPage(stage()), ada, '.steps input')
    await goTo(page, '#/profile')
    expect(await findBarriers(page)).toEqual([])
    await page.getByLabel('Full name').fill('Ada Lovelace')
    await page.keyboard.press('Enter')
    await page.locator('.rail-me').getByText('Ada Lovelace').waitFor()
    await page.getByLabel('Current password').fill('wrong')
    await page.getByLabel('New password', { exact: false }).first().fill('the second password')
    await page.getByLabel('New password again').fill('the second password')
    await page.keyboard.press('Enter')
    await problemOf(page, 'current_password').getByText('This is not your current password').waitFor()
    await page.getByLabel('Current password').fill(ada.password)
    await page.keyboard.press('Enter')
    await page.getByText('Changed your password').waitFor()
    await goTo(page, '#/keys')
    await page.getByText('No API keys yet').waitFor()
    await page.reload()
    await page.getByText('No API keys yet').waitFor()
    await page.context().close()
  })

  it('had no error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})
