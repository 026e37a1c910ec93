import { describe, expect, it } from 'vitest'
import { MAX_WEBHOOK_TESTS } from '#src/commands/bounds.ts'
import type { Webhook, WebhookTest } from '#src/domain/webhook.ts'
import { readAudit } from '../http/audit.ts'
import { UNKNOWN } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { spawn } from '../support/rest.ts'
import { hang, ok, status, verify } from '../support/webhook-receiver.ts'
import { Deliveries } from './suite.ts'

describe.each(backends)('a test of a webhook on $name', (backend) => {
  const on = Deliveries.use(backend)
  const test = ({ id }: { id: string }) => on().fleet.rest.post<WebhookTest>(`${on().path}/${id}/test`)
  const took = expect.any(Number)
  const message = 'A test of this webhook by Signalbox. No event has happened.'

  it('is one signed request in the words of each format', async () => {
    const project_id = on().fleet.project_id
    const time = expect.any(String)
    const bodies = {
      signalbox: { type: 'webhook.test', timestamp: time, data: { project_id, events: [] } },
      slack: {
        text: message,
        blocks: [{ type: 'section', text: { type: 'plain_text', text: message, emoji: false } }],
      },
      cloudevents: [
        {
          specversion: '1.0',
          id: expect.stringContaining('_test_'),
          source: expect.stringMatching(`/api/v1/projects/${project_id}$`),
          type: 'dev.signalbox.webhook.test',
          subject: `projects/${project_id}`,
          time,
          data: { message },
        },
      ],
    }
    for (const [format, body] of Object.entries(bodies)) {
      on().receiver.all.length = 0
      const hook = await on().create({ format, events: ['agent.terminated'] })
      const answer = { delivered: true, status: 204, error: null, duration_ms: took }
      expect(await test(hook)).toMatchObject({ status: 200, body: answer })
      const [received, ...others] = on().receiver.all
      if (!received) throw new Error(`no test has come in the format ${format}`)
      expect(others).toEqual([])
      expect(received.id).toContain(`${hook.id}_test_`)
      expect(verify(hook.secret, received)).toEqual(body)
    }
  })

  it('says what the receiver answers, and changes neither position nor failures', async () => {
    const hook = await on().create()
    await on().pause(hook)
    await spawn(on().fleet)
    const before = await on().find(hook)
    const cases = [
      [status(500), { delivered: false, status: 500, error: 'Answered 500' }],
      [status(410), { delivered: false, status: 410, error: 'Answered 410' }],
      [hang, { delivered: false, status: null, error: 'No answer within 0.4 s' }],
      [ok, { delivered: true, status: 204, error: null }],
    ] as const
    for (const [answer, outcome] of cases) {
      on().receiver.answer = answer
      expect((await test(hook)).body).toEqual({ ...outcome, duration_ms: took })
    }
    expect(await on().find(hook)).toEqual<Webhook>(before)
  })

  it('is in the audit trail, without the token of the URL', async () => {
    const hook = await on().create()
    await test(hook)
    const [entry] = await readAudit(on().fleet.rest)
    const { origin } = new URL(hook.url)
    expect(entry).toMatchObject({ action: 'webhook_tested', target_id: hook.id, details: { origin } })
    expect(JSON.stringify(entry)).not.toContain('its-own')
  })

  it('of an unknown webhook is refused', async () => {
    expect((await test({ id: UNKNOWN })).status).toBe(404)
  })

  it(`is refused while ${MAX_WEBHOOK_TESTS} others run`, async () => {
    const hook = await on().create()
    on().receiver.answer = hang
    const running = Array.from({ length: MAX_WEBHOOK_TESTS }, () => test(hook))
    await eventually(async () => on().receiver.all.length === MAX_WEBHOOK_TESTS)
    const refused = await test(hook)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('10')
    for (const { status } of await Promise.all(running)) expect(status).toBe(200)
    expect((await test(hook)).status).toBe(200)
  })
})

const [embedded] = backends
if (!embedded) throw new Error('the embedded backend is missing')

describe('a test of a webhook where no private network is allowed', () => {
  const on = Deliveries.use(embedded, { webhookNetworks: [] })

  it('goes to no address that is not allowed', async () => {
    const hook = await on().create({ url: `http://localhost:${on().receiver.port}/` })
    const { body } = await on().fleet.rest.post<WebhookTest>(`${on().path}/${hook.id}/test`)
    expect(body).toMatchObject({ delivered: false, status: null, error: 'The address is not allowed' })
    expect(on().receiver.all).toEqual([])
  })
})
