import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Asker } from '../support/asker.ts'
import { isClusterMissing } from '../support/cluster.ts'
import { Inspector } from '../support/inspector.ts'
import { spawnMany } from '../support/load.ts'
import { createFleet, type Rest } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { isFaketimeMissing } from '../support/shifted-clock.ts'
import { Tracker } from '../support/tracker.ts'
import { status, WebhookReceiver } from '../support/webhook-receiver.ts'
import { AlertStage, load, rules } from './alert-stage.ts'
import { ask, during, lockAgents, openStuckReaders, pause, runStatement } from './faults.ts'

const QUIET_MS = 5_000

/** The alerts that the faults below cause on each server. Those in `also` may come with them. */
const expected: Record<string, { alerts: string[]; also: string[] }> = {
  calm: { alerts: [], also: [] },
  cut: {
    alerts: ['RedisDown', 'DatabaseDown', 'HighErrorRate', 'DatabasePoolExhausted', 'SlowRequests'],
    // The database counts as up for 5 s after an answer, and those seconds are not scaled here.
    also: ['DeliveryLatencyHigh', 'JobFailing'],
  },
  'cut-too': {
    alerts: ['DeliveryLatencyHigh'],
    // The faults end when the other server's alerts have fired.
    also: [
      'RedisDown',
      'DatabaseDown',
      'HighErrorRate',
      'DatabasePoolExhausted',
      'SlowRequests',
      'JobFailing',
    ],
  },
  silent: {
    alerts: [
      'SignalsOverdue',
      'RequestsWaiting',
      'LaggingSockets',
      'SlowReaders',
      'MassRuntimeLoss',
      'JobFailing',
      'WebhookDisabled',
      'ClockSkew',
    ],
    also: [],
  },
  deaf: { alerts: ['BusLosesNews'], also: ['DeliveryLatencyHigh', 'Down'] },
  mortal: {
    alerts: ['EventLoopBlocked', 'RateLimitRejections', 'Down', 'Restarting'],
    also: ['DeliveryLatencyHigh', 'SlowRequests'],
  },
}
const instances = Object.keys(expected)
const isMissing = isClusterMissing || !inject('programs').prometheus || isFaketimeMissing

/** Each alert fires at its fault and ends with it. Different servers have their faults at the same time. */
describe.skipIf(isMissing)('the alerts, with seconds for minutes:', { timeout: 150_000 }, () => {
  let stage: AlertStage
  let quiet: Promise<string[][]>
  const webhook = Promise.withResolvers<void>()
  const fires = (alert: string, instance: string, within_s?: number) =>
    stage.prometheus.fires(`Signalbox${alert}`, instance, within_s)
  const ends = (alert: string, instance: string) => stage.prometheus.resolves(`Signalbox${alert}`, instance)

  beforeAll(async () => {
    stage = await AlertStage.start()
    quiet = pause(QUIET_MS).then(() => Promise.all(instances.map((name) => stage.prometheus.fired(name))))
  })
  afterAll(() => stage?.stop())

  it.concurrent('none fires under a load without faults', async () => {
    expect(await quiet).toEqual(instances.map(() => []))
  })

  it.concurrent('those of Redis, PostgreSQL and its locks fire while these are away or locked', async () => {
    await quiet
    const { cut } = stage
    cut.redis.cut()
    await Promise.all([fires('RedisDown', 'cut'), fires('DeliveryLatencyHigh', 'cut-too')])
    cut.redis.heal()
    await Promise.all([ends('RedisDown', 'cut'), ends('DeliveryLatencyHigh', 'cut-too')])

    cut.postgres.cut()
    await Promise.all([fires('DatabaseDown', 'cut'), fires('HighErrorRate', 'cut')])
    cut.postgres.heal()
    await Promise.all([ends('DatabaseDown', 'cut'), ends('HighErrorRate', 'cut')])

    const endAsking = ask(cut.rests[0] as Rest, cut.fleet.agents, 20)
    await lockAgents(cut.databaseUrl, () => fires('DatabasePoolExhausted', 'cut'))
    await during(fires('SlowRequests', 'cut'), async () => {
      await lockAgents(cut.databaseUrl, () => pause(1_500))
    })
    await endAsking()
    await Promise.all([ends('DatabasePoolExhausted', 'cut'), ends('SlowRequests', 'cut')])
  })

  it.concurrent('those of slow readers fire while readers hang', async () => {
    await quiet
    // Flooded, the server may answer Prometheus too late for as long as the window of a counter is here.
    await webhook.promise
    const { silent } = stage
    const fleet = await createFleet(silent.rests[0] as Rest)
    const readers = await openStuckReaders(silent, fleet, 4)
    await fires('LaggingSockets', 'silent')
    await fires('SlowReaders', 'silent', 60)
    for (const reader of readers) reader.socket.destroy()
    await Promise.all([ends('LaggingSockets', 'silent'), ends('SlowReaders', 'silent')])
  })

  it.concurrent('the alert of a wrong clock fires', async () => {
    await quiet
    writeFileSync(stage.silent_clock, '+1m')
    await fires('ClockSkew', 'silent')
    writeFileSync(stage.silent_clock, '+0')
    await ends('ClockSkew', 'silent')
  })

  it.concurrent('the alert of a disabled webhook fires', async () => {
    await quiet
    const rest = stage.silent.rests[0] as Rest
    const fleet = await createFleet(rest)
    const receiver = await WebhookReceiver.start(status(410))
    const webhooks = `/projects/${fleet.project_id}/webhooks`
    const { status: created, body } = await rest.post<{ id: string }>(webhooks, { url: receiver.url })
    expect({ created, body }).toMatchObject({ created: 201 })
    await spawnMany(fleet, 1)
    await expect
      .poll(async () => (await rest.get(`${webhooks}/${body.id}`)).body, { timeout: 60_000 })
      .toMatchObject({ is_active: false, last_status: 410 })
    await fires('WebhookDisabled', 'silent').finally(webhook.resolve)
    await receiver.close()
    await ends('WebhookDisabled', 'silent')
  })

  it.concurrent('the alert of a request that waits for too long fires', async () => {
    await quiet
    const { silent } = stage
    const rest = silent.rests[0] as Rest
    const fleet = await createFleet(rest)
    const [agent] = await spawnMany(fleet, 1)
    const asker = await Asker.at(silent.servers[0]?.ws ?? '', rest.token, agent?.id ?? '')
    const { request_id } = await asker.open()
    await runStatement(silent.databaseUrl, `update requests set created_at = created_at - interval '2 hours'`)
    await fires('RequestsWaiting', 'silent')
    await asker.withdraw(request_id)
    await ends('RequestsWaiting', 'silent')
    await asker.close()
  })

  it.concurrent('those of silent and lost runtimes and of a failing job fire', async () => {
    const { silent } = stage
    const [server, rest] = [silent.servers[0] as ServerProcess, silent.rests[0] as Rest]
    const attach = async (count: number) => {
      const fleet = await createFleet(rest)
      const agents = await spawnMany(fleet, count)
      const runtime = new RuntimeSocket(server.ws, { token: rest.token })
      await runtime.next('hello')
      for (const { id } of agents) await runtime.attach(id)
      return { fleet, runtime }
    }
    const deaf = await attach(1)
    await rest.post(`${deaf.fleet.agents}/actions`, { action: 'pause', all: true })
    const { id } = await deaf.runtime.signal()
    const overdue = fires('SignalsOverdue', 'silent', 60)
    overdue.catch(() => {})
    await quiet

    const lost = await attach(8)
    lost.runtime.socket.terminate()
    await fires('MassRuntimeLoss', 'silent')
    await ends('MassRuntimeLoss', 'silent')

    await runStatement(silent.databaseUrl, 'alter table replicas rename to mislaid')
    await fires('JobFailing', 'silent')
    await runStatement(silent.databaseUrl, 'alter table mislaid rename to replicas')
    await ends('JobFailing', 'silent')

    await overdue
    const [agent] = (await rest.get<{ data: { id: string }[] }>(deaf.fleet.agents)).body.data
    await deaf.runtime.acknowledge(agent?.id ?? '', id)
    await ends('SignalsOverdue', 'silent')
  })

  it.concurrent('the alert of lost news fires at a replica with another key', async () => {
    await quiet
    const { deaf } = stage
    const [writer, reader] = [deaf.rests[0] as Rest, deaf.servers[1] as ServerProcess]
    const token = deaf.rests[1]?.token ?? ''
    const stops: (() => unknown)[] = []
    for (let left = 4; left > 0; left--) {
      const fleet = await createFleet(writer)
      const tracker = await new Tracker([reader.ws], token, fleet.project_id).start()
      stops.push(await load(fleet, 200), () => tracker.stop())
    }
    await fires('BusLosesNews', 'deaf')
    await reader.end()
    const { port } = new URL(reader.origin)
    // Starts again with the key of the others.
    deaf.servers[1] = await deaf.startServer({ PORT: port })
    await ends('BusLosesNews', 'deaf')
    for (const stop of stops) await stop()
  })

  it.concurrent('those of a server that is busy, flooded with requests or killed fire', async () => {
    await quiet
    const { mortal } = stage
    const inspector = await Inspector.at(mortal.inspector_port)
    await during(fires('EventLoopBlocked', 'mortal'), async () => {
      await inspector.block(300)
      await pause(20)
    })
    inspector.close()
    await ends('EventLoopBlocked', 'mortal')

    const endAsking = ask(mortal.fleet.rest, '/projects', 4)
    await fires('RateLimitRejections', 'mortal')
    await endAsking()
    await ends('RateLimitRejections', 'mortal')

    await mortal.server.end('SIGKILL')
    await fires('Down', 'mortal')
    await mortal.restart()
    await ends('Down', 'mortal')
    await mortal.server.end('SIGKILL')
    await mortal.restart()
    await fires('Restarting', 'mortal')
    await ends('Restarting', 'mortal')
  })

  it('each alert has a fault', () => {
    const tested = Object.values(expected).flatMap(({ alerts }) => alerts)
    const written = [...rules.matchAll(/- alert: Signalbox(\w+)/g)].map(([, name]) => name)
    expect(written.toSorted()).toEqual([...new Set(tested)].sort())
  })

  it('each server had the alerts of its faults and no others', async () => {
    for (const [instance, { alerts, also }] of Object.entries(expected)) {
      const fired = (await stage.prometheus.fired(instance)).map((name) => name.replace('Signalbox', ''))
      expect({ instance, missed: alerts.filter((name) => !fired.includes(name)) }).toEqual({
        instance,
        missed: [],
      })
      const surplus = fired.filter((name) => !alerts.includes(name) && !also.includes(name))
      expect({ instance, surplus }).toEqual({ instance, surplus: [] })
    }
  })
})
