import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { Stage } from '../support/stage.ts'

describe.each(backends)('the runtimes of a tree on $name', (backend) => {
  let stage: Stage
  let fleet: Fleet
  beforeAll(async () => {
    stage = await Stage.start(backend)
    fleet = await createFleet(stage.superuser)
  })
  afterAll(() => stage.stop())

  const path = ({ id }: Agent, action = '') => `${fleet.agents}/${id}${action}`
  const get = async (agent: Agent) => (await fleet.rest.get<Agent>(path(agent))).body
  /** A runtime of the last server, which another one than the caller's may be. */
  const attach = async (agent: Agent) => {
    const runtime = await stage.connect(fleet.rest.token, stage.origins.length - 1)
    await runtime.attach(agent.id)
    return runtime
  }

  it('get the order of their root, each its own signal, and obey one by one', async () => {
    const root = await spawn(fleet)
    const child = await spawn(fleet, { parent_id: root.id })
    const grandchild = await spawn(fleet, { parent_id: child.id })
    const tree = [root, child, grandchild]
    const runtimes = await Promise.all(tree.map(attach))
    const watcher = await stage.connect(fleet.rest.token)
    await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'subscribed')
    for (const [action, mode] of [
      ['pause', 'interrupt'],
      ['resume', null],
    ] as const) {
      await fleet.rest.post(path(root, `/${action}`), { reason: 'storm', ...(mode && { mode }) })
      for (const [index, runtime] of runtimes.entries()) {
        const { id } = tree[index] as Agent
        const signal = await runtime.signal()
        expect(signal).toMatchObject({ kind: action, mode, reason: 'storm' })
        expect((await runtime.acknowledge(id, signal.id)).outcome).toBe('done')
        const seen = await watcher.next(
          (frame) =>
            frame.name === 'agent.signal_acknowledged' && (frame as EventFrame).signal?.id === signal.id,
        )
        expect(seen.agent).toMatchObject({ id, control: { kind: action, state: 'done' } })
      }
    }
    await fleet.rest.delete(`${path(child)}?mode=now`)
    expect(await runtimes[2]?.signal()).toMatchObject({ kind: 'terminate', mode: 'now' })
    expect((await get(root)).control?.kind).toBe('resume')
  })

  it('of a child that started under a paused parent get that pause when they attach', async () => {
    const root = await spawn(fleet)
    await fleet.rest.post(path(root, '/pause'), { reason: 'storm' })
    const child = await spawn(fleet, { parent_id: root.id })
    const runtime = await attach(child)
    const { id } = await runtime.signal()
    expect(id).toBe(child.control?.signal_id)
    await runtime.acknowledge(child.id, id)
    expect((await get(child)).control).toMatchObject({ kind: 'pause', state: 'done' })
    await fleet.rest.post(path(root, '/resume'))
    expect(await runtime.signal()).toMatchObject({ kind: 'resume' })
  })

  it('of a child that registers under a paused parent get that pause at once', async () => {
    const root = await spawn(fleet)
    await fleet.rest.post(path(root, '/pause'))
    const runtime = await stage.connect(fleet.rest.token)
    const child = {
      project_id: fleet.project_id,
      external_id: 'desk',
      name: 'Eve',
      agent_type: fleet.agent_type_id,
      parent_id: root.id,
    }
    const attached = await runtime.register(child)
    expect(attached).toMatchObject({
      registered: 'created',
      pending_signals: 1,
      agent: { status: 'paused', parent_id: root.id, control: { cause: { kind: 'parent', id: root.id } } },
    })
    expect(await runtime.signal()).toMatchObject({ kind: 'pause', attempt: 1 })
    await fleet.rest.post(path(root, '/resume'))
    expect(await runtime.signal()).toMatchObject({ kind: 'resume' })
  })

  it('of a parent that ends or pauses itself leave the children alone', async () => {
    const root = await spawn(fleet)
    const child = await spawn(fleet, { parent_id: root.id, status: 'working' })
    const runtime = await attach(root)
    await runtime.report(root.id, { n: 1, status: 'paused' })
    expect((await get(root)).control?.cause).toEqual({ kind: 'runtime', id: null })
    const late = await spawn(fleet, { parent_id: root.id })
    expect(late).toMatchObject({
      status: 'paused',
      control: { cause: { kind: 'parent', id: root.id }, requested_by: { kind: 'user' } },
    })
    await fleet.rest.post(path(root, '/resume'))
    await runtime.report(root.id, { n: 2, status: 'terminated' })
    expect((await get(root)).status).toBe('terminated')
    expect((await get(child)).status).toBe('working')
    expect((await get(late)).status).toBe('idle')
  })
})
