import { afterEach, describe, expect, it } from 'vitest'
import { connect } from '#src/client/connection/connection.ts'
import { ClosedError } from '#src/client/connection/errors.ts'
import type { Watch, watchProject } from '#src/client/watch/watch.ts'
import { statement } from '#src/store/database.ts'
import { addUser, UNKNOWN } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { createFleetOf } from '../support/cast.ts'
import { type Agent, createFleet, spawn } from '../support/rest.ts'
import { becomes, openWatch, useScene, whileCut } from './support.ts'

const forgetEvents = statement('test_forget_events', 'delete from events where project_id = $1')

describe.each(backends)('a watch on $name', (backend) => {
  const scene = useScene(backend)
  const watches: Watch[] = []
  afterEach(() => {
    for (const watch of watches.splice(0)) watch.close()
  })
  const open = (own: Partial<Parameters<typeof watchProject>[0]> = {}) => {
    const { reach, fleet } = scene()
    const opened = openWatch({ ...reach, project_id: fleet.project_id, ...own } as never)
    watches.push(opened.watch)
    return opened
  }
  const rename = async ({ id }: Agent, current_task: string) => {
    const { fleet } = scene()
    const { status } = await fleet.rest.patch(`${fleet.agents}/${id}`, { current_task })
    expect(status).toBe(200)
  }

  it('starts with all agents, and follows each change', async () => {
    const ada = await spawn(scene().fleet)
    const { watch, next } = open()
    const changes: string[] = []
    watch.fleet.on('change', ({ agent, event }) => changes.push(`${event.name} ${agent.current_task}`))
    const first = await next()
    expect(first).toMatchObject({ type: 'reset', reason: 'start' })
    expect(watch.state).toEqual({ kind: 'live' })
    expect(watch.fleet.agents.get(ada.id)).toMatchObject({ name: 'Ada', status: 'idle' })
    await rename(ada, 'shunting')
    const event = await next()
    expect(event).toMatchObject({ type: 'event', name: 'agent.updated', seq: first.seq + 1 })
    expect(watch.fleet.agents.get(ada.id)?.current_task).toBe('shunting')
    expect(watch.fleet.seq).toBe(first.seq + 1)
    expect(changes).toEqual(['agent.updated shunting'])
  })

  it('continues at its position after a broken connection: no event twice, none missing', async () => {
    const ada = await spawn(scene().fleet)
    const { watch, next } = open()
    const { seq } = await next()
    const before = Date.now()
    await whileCut(scene().proxy, watch, async () => {
      expect(watch.state).toMatchObject({ kind: 'offline' })
      for (const task of ['one', 'two', 'three']) await rename(ada, task)
    })
    for (const [index, task] of ['one', 'two', 'three'].entries()) {
      expect(await next()).toMatchObject({ seq: seq + index + 1, agent: { current_task: task } })
    }
    await becomes(watch, 'live')
    const lost = becomes(watch, 'offline')
    scene().proxy.cut()
    const { since, retry_at } = await lost
    scene().proxy.heal()
    expect(since).toBeGreaterThanOrEqual(before)
    expect(since).toBeLessThanOrEqual(Date.now())
    expect(retry_at - since).toBeLessThanOrEqual(50)
  })

  it('gets one new snapshot where the log does not continue from its position', async () => {
    const ada = await spawn(scene().fleet)
    const { watch, next } = open()
    await next()
    const { proxy, stage, fleet } = scene()
    await whileCut(proxy, watch, async () => {
      await rename(ada, 'lost')
      await stage.app.database.run(forgetEvents, [fleet.project_id])
      await rename(ada, 'kept')
    })
    expect(await next()).toMatchObject({ type: 'reset', reason: 'expired' })
    expect(watch.fleet.agents.get(ada.id)?.current_task).toBe('kept')
    await rename(ada, 'next')
    expect(await next()).toMatchObject({ type: 'event', agent: { current_task: 'next' } })
  })

  it('gives a reader with too many unread events one reset; other readers get each event', async () => {
    const ada = await spawn(scene().fleet)
    const slow = open({ max_unread: 3 })
    const quick = slow.watch[Symbol.asyncIterator]()
    await slow.next()
    await quick.next()
    const { seq = 0 } = slow.watch.fleet
    for (let count = 1; count <= 6; count++) {
      await rename(ada, `task ${count}`)
      expect((await quick.next()).value).toMatchObject({ type: 'event', seq: seq + count })
    }
    const reset = await slow.next()
    expect(reset).toMatchObject({ type: 'reset', reason: 'reader_too_slow', seq: seq + 6 })
    expect(reset.type === 'reset' && reset.agents.get(ada.id)?.current_task).toBe('task 6')
    await rename(ada, 'task 7')
    expect(await slow.next()).toMatchObject({ type: 'event', seq: seq + 7 })
  })

  it('shares a connection with watches of other projects, and leaves it open when it closes', async () => {
    const { reach, fleet, proxy } = scene()
    const other = await createFleet(fleet.rest)
    const connection = connect(reach)
    const [one, two] = [
      open({ connection }),
      open({ connection, project_id: other.project_id.toUpperCase() }),
    ]
    await Promise.all([one.next(), two.next()])
    expect(() => open({ connection })).toThrow('is already on this connection')
    const [ada, bob] = [await spawn(fleet), await spawn(other)]
    expect(await one.next()).toMatchObject({ agent: { id: ada.id } })
    expect(await two.next()).toMatchObject({ agent: { id: bob.id } })
    one.watch.close()
    await expect(one.next()).rejects.toThrow('has ended')
    const again = open({ connection })
    expect(await again.next()).toMatchObject({ type: 'reset', reason: 'start' })
    await whileCut(proxy, connection, () => spawn(other, { name: 'Eve' }))
    expect(await two.next()).toMatchObject({ agent: { name: 'Eve' } })
    connection.close()
    expect([two.watch.state, again.watch.state]).toMatchObject([
      { kind: 'closed', reason: 'requested' },
      { kind: 'closed', reason: 'requested' },
    ])
  })

  it('ends with a reason where the server refuses it', async () => {
    const { fleet, stage } = scene()
    const outsider = await addUser(stage.superuser)
    const cases = [
      [{ token: outsider.rest.token }, 'forbidden'],
      [{ project_id: UNKNOWN }, 'not_found'],
      [{ token: 'nonsense' }, 'unauthenticated'],
    ] as const
    for (const [own, reason] of cases) {
      const { watch, next } = open(own as object)
      await expect(watch.whenLive()).rejects.toMatchObject({ reason })
      await expect(next()).rejects.toBeInstanceOf(ClosedError)
      expect(watch.state).toMatchObject({ kind: 'closed', reason })
    }
    const own = await createFleet(fleet.rest)
    const { watch, next } = open({ project_id: own.project_id })
    await watch.whenLive()
    await next()
    const deleted = await fleet.rest.delete(`/projects/${own.project_id}`)
    expect(Math.floor(deleted.status / 100)).toBe(2)
    await expect(next()).rejects.toMatchObject({ reason: 'deleted' })
  })

  it('ends when its access is removed', async () => {
    const { stage } = scene()
    const [owner, viewer] = [await addUser(stage.superuser), await addUser(stage.superuser)]
    const { project_id } = await createFleetOf(owner.rest, stage.superuser)
    const member = `/projects/${project_id}/members/${viewer.id}`
    await owner.rest.put(member, { role: 'viewer' })
    const { watch, next } = open({ project_id, token: viewer.rest.token })
    await next()
    await owner.rest.delete(member)
    expect(await becomes(watch, 'closed')).toMatchObject({ reason: 'forbidden' })
  })
})
