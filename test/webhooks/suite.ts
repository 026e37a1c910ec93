import { afterEach, beforeEach, expect } from 'vitest'
import type { Config } from '#src/config/config.ts'
import type { Webhook } from '#src/domain/webhook.ts'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { useApp } from '../http/suite.ts'
import type { Backend } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, type Fleet } from '../support/rest.ts'
import { quick, WebhookReceiver } from '../support/webhook-receiver.ts'

type Hook = { id: string }
const leased = statement('test_webhook_leased', 'select 1 from webhooks where id = $1 and lease is not null')

/** A project for each test, with a receiver of its webhooks, and what tests do with both. */
export class Deliveries {
  readonly fleet: Fleet
  readonly receiver: WebhookReceiver
  readonly app: App
  readonly path: string

  private constructor(app: App, fleet: Fleet, receiver: WebhookReceiver) {
    this.app = app
    this.fleet = fleet
    this.receiver = receiver
    this.path = `/projects/${fleet.project_id}/webhooks`
  }

  static use(backend: Backend, own: Partial<Config> = {}): () => Deliveries {
    const running = useApp(backend, { webhookNetworks: ['127.0.0.0/8'], ...own }, quick)
    let current: Deliveries | undefined
    beforeEach(async () => {
      const { app, rest } = running()
      current = new Deliveries(app, await createFleet(rest), await WebhookReceiver.start())
    })
    afterEach(() => current?.end())
    return () => {
      if (!current) throw new Error('no test has begun')
      return current
    }
  }

  async create(body: object = {}): Promise<Webhook & { secret: string }> {
    const input = { url: this.receiver.url, ...body }
    const answer = await this.fleet.rest.post<Webhook & { secret: string }>(this.path, input)
    expect(answer.status).toBe(201)
    return answer.body
  }

  async find({ id }: Hook): Promise<Webhook> {
    return (await this.fleet.rest.get<Webhook>(`${this.path}/${id}`)).body
  }

  reach(hook: Hook, isSo: (webhook: Webhook) => boolean): Promise<void> {
    return eventually(async () => isSo(await this.find(hook)))
  }

  async patch({ id }: Hook, body: object): Promise<Webhook> {
    return (await this.fleet.rest.patch<Webhook>(`${this.path}/${id}`, body)).body
  }

  async remove({ id }: Hook): Promise<void> {
    await this.fleet.rest.delete(`${this.path}/${id}`)
  }

  /** Sends nothing more, and nothing is under way. */
  async pause(hook: Hook): Promise<void> {
    await this.patch(hook, { is_active: false })
    await eventually(async () => (await this.app.database.run(leased, [hook.id])).length === 0)
  }

  /** Its webhooks are deleted, so that none fails on through the tests that follow. */
  async end(): Promise<void> {
    const { body } = await this.fleet.rest.get<{ data: Webhook[] }>(this.path)
    for (const hook of body.data) await this.remove(hook)
    await this.receiver.close()
  }
}
