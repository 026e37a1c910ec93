import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renewEpochs } from '#src/commands/epochs.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { statement } from '#src/store/database.ts'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'
import type { Frame } from '../support/watcher.ts'

const forgetEpochs = statement(
  'test_forget_epochs',
  `update events set frame = regexp_replace(frame::text, '"epoch":[0-9]+,', '')::json where project_id = $1`,
)

const setBack = statement('test_set_lease_back', 'update agents set lease = 0 where id = $1')

describe.each(backends)('the epoch of a project on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
  })
  afterAll(() => stage.stop())

  /** A project of three events. */
  const open = async () => {
    fleet = await createFleet(stage.superuser)
    for (const name of ['a', 'b', 'c']) await spawn(fleet, { name })
    return fleet
  }
  const bump = async () => {
    const [renewed] = await renewEpochs(stage.app.database, fleet.project_id)
    await Promise.all(stage.apps.map((app) => app.hub.checkTails()))
    return renewed?.epoch ?? 0
  }
  const list = <Body = { data: EventFrame[] }>(query = '') =>
    fleet.rest.get<Body>(`/projects/${fleet.project_id}/events${query}`)
  const epochs = async () => (await list()).body.data.map(({ epoch }) => epoch)
  const subscribe = async (from: object = {}) => {
    const watcher = await stage.connect(fleet.rest.token)
    const answer = await watcher.ask(
      { type: 'subscribe', project_id: fleet.project_id, ...from },
      'subscribed',
    )
    return { watcher, answer }
  }

  it('is 1, then as late as the clock, then higher still, and shown with every event of its log', async () => {
    await open()
    expect(await epochs()).toEqual([1, 1, 1])
    const before = Date.now()
    const first = await bump()
    expect(Math.abs(first - before)).toBeLessThan(60_000)
    const second = await bump()
    expect(second).toBeGreaterThan(first)
    expect(await epochs()).toEqual([second, second, second])
  })

  it('is put into frames that were written without one', async () => {
    await open()
    await stage.app.database.run(forgetEpochs, [fleet.project_id])
    expect(await epochs()).toEqual([1, 1, 1])
    const { watcher } = await subscribe({ after: 0 })
    expect(await watcher.next((frame) => frame.type === 'event' && frame.seq === 3)).toMatchObject({
      epoch: 1,
    })
  })

  it('makes a page of another epoch a 410; a request without one is answered', async () => {
    await open()
    const epoch = await bump()
    expect(await list<object>('?after=1&epoch=1')).toMatchObject({
      status: 410,
      body: { errors: [{ code: 'SYS_006', field: 'epoch' }] },
    })
    expect((await list(`?after=1&epoch=${epoch}`)).body.data).toHaveLength(2)
    expect((await list('?after=1')).body.data).toHaveLength(2)
    expect((await list('?epoch=0')).status).toBe(422)
  })

  it('lets a watcher resume in its own epoch, without one in the first, and from a snapshot in any', async () => {
    await open()
    const resumed = async (from: object) => (await subscribe(from)).answer
    expect(await resumed({ after: 2 })).toMatchObject({ resumed: true, epoch: 1 })
    expect(await resumed({ after: 2, epoch: 5 })).toMatchObject({ resumed: false, reason: 'unknown' })
    const epoch = await bump()
    expect(await resumed({ after: 2, epoch })).toMatchObject({ resumed: true, epoch })
    expect(await resumed({ after: 0 })).toMatchObject({ resumed: true, epoch })
    for (const from of [{ after: 2 }, { after: 3 }, { after: 2, epoch: 1 }, { after: 2, epoch: epoch + 1 }]) {
      expect(await resumed(from)).toMatchObject({ resumed: false, reason: 'unknown', epoch })
    }
  })

  it('gives a live watcher a snapshot when it changes, and events of the new one after it', async () => {
    await open()
    const { watcher } = await subscribe()
    await watcher.next('snapshot')
    const epoch = await bump()
    expect(await watcher.next('subscribed')).toMatchObject({
      resumed: false,
      reason: 'unknown',
      epoch,
      seq: 3,
    })
    expect(await watcher.next('snapshot')).toMatchObject({ epoch, seq: 3, last: true })
    await spawn(fleet)
    expect(await watcher.next('event')).toMatchObject({ epoch, seq: 4 })
  })

  it('is noticed by the news of an event, too', async () => {
    await open()
    const { watcher } = await subscribe()
    await watcher.next('snapshot')
    const [renewed] = await renewEpochs(stage.app.database, fleet.project_id)
    await spawn(fleet)
    const isNew = (frame: Frame) => frame.type === 'snapshot' && frame.epoch === renewed?.epoch
    expect(await watcher.next(isNew)).toMatchObject({ seq: 4 })
  })

  it('is a part of the ids of a stream after the first, and another one is answered by a reset', async () => {
    await open()
    const { rest, project_id } = fleet
    const ids = async (after: number | string, count: number) => {
      const stream = await stage.stream(rest.token, { project_id, after })
      await stream.until(({ length }) => length >= count)
      return stream.events.map(({ last_event_id, event }) => `${last_event_id} ${event}`)
    }
    expect(await ids(1, 2)).toEqual(['2 agent.spawned', '3 agent.spawned'])
    const live = await stage.stream(rest.token, { project_id, after: '2' })
    await live.until(({ length }) => length === 1)
    const epoch = await bump()
    await live.until(({ length }) => length === 2)
    expect(live.events[1]).toMatchObject({ last_event_id: `3.${epoch}`, event: 'reset' })
    expect(JSON.parse(live.events[1]?.data ?? '')).toEqual({ seq: 3, epoch })
    expect(await ids(`1.${epoch}`, 2)).toEqual([`2.${epoch} agent.spawned`, `3.${epoch} agent.spawned`])
    for (const after of [2, '2', '2.7', 'x', '2.', '-1'])
      expect(await ids(after, 1)).toEqual([`3.${epoch} reset`])
  })

  it('sends runtimes away when it changes; they come back to a lease that nothing of before has', async () => {
    await open()
    const agent = await spawn(fleet)
    const runtime = await stage.connect(fleet.rest.token)
    const { lease } = await runtime.attach(agent.id)
    expect(lease).toBe(1)
    const epoch = await bump()
    expect(await runtime.next('goodbye')).toMatchObject({ reason: 'restored' })
    expect(await runtime.closed).toBe(1001)
    const back = await stage.connect(fleet.rest.token)
    expect(await back.attach(agent.id)).toMatchObject({ lease: epoch + 1, agent: { id: agent.id } })
    expect(await back.report(agent.id, { n: 1, status: 'working' })).toMatchObject({ status: 'working' })
  })

  it('need not change for a link to give way to one with a lower lease: that tells of a database set back', async () => {
    await open()
    const agent = await spawn(fleet)
    const first = await stage.connect(fleet.rest.token)
    await first.attach(agent.id)
    expect(await first.attach(agent.id)).toMatchObject({ lease: 2 })
    await stage.app.database.run(setBack, [agent.id])
    const second = await stage.connect(fleet.rest.token)
    expect(await second.attach(agent.id)).toMatchObject({ lease: 1 })
    expect(await first.next('goodbye')).toMatchObject({ reason: 'restored' })
    expect(first.frames.filter(({ type }) => type === 'detached')).toEqual([])
    expect(await second.report(agent.id, { n: 1, status: 'working' })).toMatchObject({ status: 'working' })
  })
})
