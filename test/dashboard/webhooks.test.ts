import { afterAll, expect, it } from 'vitest'
import { describeInBrowser } from '../support/chromium.ts'
import { spawn } from '../support/rest.ts'
import { ok, status, WebhookReceiver } from '../support/webhook-receiver.ts'
import { findBarriers, goTo, openPage, signIn, useStage } from './browser.ts'

describeInBrowser('the webhooks of a project', () => {
  const stage = useStage()
  let receiver: WebhookReceiver | undefined
  afterAll(() => receiver?.close())

  it('say since when one fails and why until it delivers, are tested, disabled and enabled', async () => {
    const { fleet } = stage()
    receiver = await WebhookReceiver.start(status(500))
    const path = `/projects/${fleet.project_id}/webhooks`
    await fleet.rest.post(path, { url: receiver.url })
    const page = await signIn(await openPage(stage()))
    await goTo(page, `#/p/${fleet.project_id}/settings`)
    const hooks = page.getByRole('region', { name: 'Webhooks' })
    await hooks.getByText('active, nothing sent yet').waitFor()

    await spawn(fleet)
    const failing = hooks.getByText(/failing since .*: Answered 500/)
    await failing.waitFor()
    const since = async () => /failing since ([^,]+),/.exec((await failing.textContent()) ?? '')?.[1]
    const first = await since()
    const attempts = receiver.all.length
    await hooks.getByRole('button', { name: 'Try now' }).click()
    await page.getByText(/^Trying http/).waitFor()
    await expect.poll(() => receiver?.all.length).toBeGreaterThan(attempts)
    await page.reload()
    await failing.waitFor()
    expect(await since()).toBe(first)
    expect(await findBarriers(page)).toEqual([])

    await hooks.getByRole('button', { name: 'Test' }).click()
    await page.getByText(/Test not delivered: .*: Answered 500/).waitFor()
    expect(receiver.all.some(({ payload }) => payload.type === 'webhook.test')).toBe(true)
    receiver.answer = ok
    await hooks.getByRole('button', { name: 'Test' }).click()
    await page.getByText(/Test delivered: .* answered 204/).waitFor()
    await hooks.getByRole('button', { name: 'Try now' }).click()
    // The receiver has the delivery before the server has its answer.
    const states = async () =>
      (await fleet.rest.get<{ data: { failing_since: string | null }[] }>(path)).body.data
    await expect.poll(async () => (await states())[0]?.failing_since).toBeNull()
    await page.reload()
    await hooks.getByText('delivering').waitFor()
    expect(await hooks.getByRole('button', { name: 'Try now' }).count()).toBe(0)

    await hooks.getByRole('button', { name: 'Disable' }).click()
    await hooks.getByText(/^disabled at/).waitFor()
    await hooks.getByRole('button', { name: 'Enable' }).click()
    await hooks.getByText('delivering').waitFor()
    await page.context().close()
  })

  it('had no error in the page', () => {
    expect(stage().faults).toEqual([])
  })
})
