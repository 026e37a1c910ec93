import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { addUser, password, type User } from '../http/suite.ts'
import { admin } from '../support/admin.ts'
import { addKey } from '../support/cast.ts'
import { describeInBrowser } from '../support/chromium.ts'
import { spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { findBarriers, goTo, openFleet, openPage, signIn, useStage } from './browser.ts'

describeInBrowser('who did what, and who may do what', () => {
  const stage = useStage()

  const setRole = (user: User, role: string) =>
    stage().rest.put(`/projects/${stage().fleet.project_id}/members/${user.id}`, { role })

  async function openAs(role: string, own: object = {}): Promise<{ user: User; page: Page }> {
    const user = await addUser(stage().rest, own)
    await setRole(user, role)
    const page = await signIn(await openPage(stage()), { email: user.email, password })
    await goTo(page, `#/p/${stage().fleet.project_id}`)
    await page.locator('.role', { hasText: role }).waitFor()
    return { user, page }
  }

  it('has the names of people and keys without a visit to their lists', async () => {
    const { fleet } = stage()
    const grace = await addUser(stage().rest, { full_name: 'Grace Hop', is_superuser: true })
    const key = await addKey(fleet.rest, { name: 'Night shift', role: 'operator' })
    const { id } = await spawn(fleet, { name: 'Ida' })
    const path = `/projects/${fleet.project_id}/agents/${id}`
    await grace.rest.patch(path, { labels: { team: 'support' } })
    await key.rest.patch(path, { labels: { team: 'sales' } })
    const page = await openFleet(stage())
    await goTo(page, `#/p/${fleet.project_id}/log?agent=${id}`)
    const actors = page.locator('.event-actor')
    await expect.poll(() => actors.allTextContents()).toEqual(['key “Night shift”', 'Grace Hop', 'you'])
    await page.setViewportSize({ width: 390, height: 844 })
    expect(await actors.first().isVisible()).toBe(true)
    await page.context().close()
  })

  it('says its runtime for the key of one, where the user may not read the name of the key', async () => {
    const { fleet, origin } = stage()
    const own = { role: 'runtime', project_id: fleet.project_id }
    const key = await addKey(fleet.rest, { ...own, name: 'Quay' })
    const { id } = await spawn(fleet, { name: 'Noa' })
    const runtime = new RuntimeSocket(`${origin.replace('http', 'ws')}/api/v1/ws`, { token: key.key })
    await runtime.next('hello')
    await runtime.attach(id)
    await runtime.report(id, { n: 1, status: 'working' })
    await runtime.report(id, { n: 2, usage: { model: 'large', input_tokens: 7 } })
    const other = await addKey(fleet.rest, { role: 'operator', project_id: fleet.project_id })
    await other.rest.patch(`${fleet.agents}/${id}`, { labels: { team: 'sales' } })
    const programs = `API key ${other.id.slice(-6)}`
    const { page } = await openAs('operator')
    await goTo(page, `#/p/${fleet.project_id}/a/${id}`)
    const actors = page.getByRole('region', { name: 'Timeline' }).locator('.event-actor')
    const byRuntime = 'its runtime'
    await expect
      .poll(() => actors.allTextContents())
      .toEqual([programs, byRuntime, byRuntime, byRuntime, expect.stringMatching(/^user |^admin/)])
    await page.reload()
    await goTo(page, `#/p/${fleet.project_id}/log?agent=${id}&name=agent.updated`)
    await expect.poll(() => actors.count()).toBe(0)
    await expect.poll(() => page.locator('.event-actor').allTextContents()).toEqual([programs, byRuntime])
    await runtime.close()
    await page.context().close()
  })

  it('names the owner for members, and leads them nowhere in vain', async () => {
    const { project_id } = stage().fleet
    const { page } = await openAs('viewer', { full_name: 'Vera' })
    await goTo(page, `#/p/${project_id}/members`)
    await page.getByRole('row', { name: 'owner' }).getByText(admin.email).first().waitFor()
    await page.getByRole('row', { name: 'Vera you' }).waitFor()
    await goTo(page, `#/p/${project_id}/settings`)
    await page.getByRole('heading', { name: 'Project', exact: true }).waitFor()
    expect(await page.getByRole('link', { name: 'Connect an agent' }).count()).toBe(0)
    await goTo(page, `#/p/${project_id}/connect`)
    await page.getByText(`Ask ${admin.email} for one with the role runtime`).waitFor()
    await goTo(page, '#/keys')
    await page.getByRole('button', { name: 'New key' }).click()
    const roles = page.getByRole('dialog').getByLabel('Role').locator('option')
    await expect.poll(() => roles.allTextContents()).toEqual(['Viewer: watch'])
    await page.context().close()
  })

  it('follows a change of the role while the page is open', async () => {
    const { fleet } = stage()
    const { id } = await spawn(fleet, { name: 'Jo' })
    const { user, page } = await openAs('viewer')
    await setRole(user, 'operator')
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await page.locator('.role', { hasText: 'operator' }).waitFor()
    await goTo(page, `#/p/${fleet.project_id}/a/${id}`)
    await page.getByLabel('Message to the runtime').fill('Hello')
    await setRole(user, 'viewer')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('Your role (viewer) may not do this').waitFor()
    await page.locator('.role', { hasText: 'viewer' }).waitFor()
    await page.getByRole('button', { name: 'Send' }).waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('offers no message to an agent that has ended', async () => {
    const { fleet } = stage()
    const { id } = await spawn(fleet, { name: 'Kim' })
    const page = await openFleet(stage())
    await goTo(page, `#/p/${fleet.project_id}/a/${id}`)
    await page.getByLabel('Message to the runtime').waitFor()
    await fleet.rest.delete(`${fleet.agents}/${id}`)
    await page.getByLabel('Message to the runtime').waitFor({ state: 'detached' })
    await page.context().close()
  })

  it('shows the audit trail on a phone as cards that fit', async () => {
    const user = await addUser(stage().rest, { full_name: 'Lena' })
    await setRole(user, 'operator')
    const page = await openFleet(stage(), { viewport: { width: 390, height: 844 } })
    await goTo(page, '#/audit?action=member_set')
    await page.getByText('gave Lena the role operator').first().waitFor()
    const isCut = await page
      .locator('.audit')
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
    expect(isCut).toBe(false)
    expect(await findBarriers(page)).toEqual([])
    expect(stage().faults).toEqual([])
    await page.context().close()
  })
})
