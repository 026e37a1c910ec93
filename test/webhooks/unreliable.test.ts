import { describe, expect, it } from 'vitest'
import type { Webhook } from '#src/domain/webhook.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, Rest, spawn } from '../support/rest.ts'
import {
  addEvents,
  drop,
  hang,
  ok,
  quick,
  type Received,
  status,
  verify,
  WebhookReceiver,
} from '../support/webhook-receiver.ts'

const EVENTS = 10_000
/** Every second answer is a failure; dropped ones are lost after they were taken. */
const turns = [ok, status(500), ok, drop, ok, status(503), ok, hang, ok, status(404), ok, drop]

describe.each(sharedBackends)('a receiver that fails half of the time, on $name', ({ config }) => {
  it(`gets ${EVENTS} events in order, each at least once, though a replica stops in between`, async () => {
    const shared = { ...(await config()), webhookNetworks: ['127.0.0.1/32'] }
    const timings = { ...quick, timeout_ms: 200 }
    const first = await startApp(shared, { timings })
    const second = await startApp(shared, { timings })
    const taken: Received[] = []
    let turn = 0
    const receiver = await WebhookReceiver.start((response, received) => {
      const answer = turns[turn++ % turns.length] ?? ok
      if (answer === ok || answer === drop) taken.push(received)
      answer(response, received)
    })
    try {
      const fleet = await createFleet(await Rest.of(second).signIn())
      const path = `/projects/${fleet.project_id}/webhooks`
      const { body: hook } = await fleet.rest.post<Webhook & { secret: string }>(path, { url: receiver.url })
      await spawn(fleet)
      await addEvents(second, fleet.project_id, EVENTS - 1)

      await eventually(
        () => first.webhooks.counts.delivered > 5 && second.webhooks.counts.delivered > 5,
        120_000,
      )
      await first.stop()
      const half = taken.at(-1)?.payload.data.events.at(-1)?.seq ?? 0
      expect(half).toBeLessThan(EVENTS)
      await eventually(
        async () => (await fleet.rest.get<Webhook>(`${path}/${hook.id}`)).body.cursor === EVENTS,
        120_000,
      )

      // What a receiver keeps that drops what it has had, by id alone.
      const kept = taken.filter(({ id }, index) => taken.findIndex((one) => one.id === id) === index)
      const seqs = kept.flatMap(({ payload }) => payload.data.events.map(({ seq }) => seq))
      expect(seqs).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1))
      expect(taken.length).toBeGreaterThan(kept.length)
      for (const received of receiver.all) verify(hook.secret, received)
      const bodies = new Map(receiver.all.map(({ id, body }) => [id, body]))
      expect(receiver.all.filter(({ id, body }) => bodies.get(id) !== body)).toEqual([])
      expect(receiver.all.some(({ payload }) => payload.data.missed_before !== undefined)).toBe(false)
    } finally {
      await Promise.all([first.stop(), second.stop()])
      await receiver.close()
    }
  })
})
