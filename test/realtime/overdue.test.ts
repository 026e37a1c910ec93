import { beforeAll, describe, expect, it } from 'vitest'
import { statement } from '#src/store/database.ts'
import { countOpenSignals } from '#src/store/signals.ts'
import { useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import type { Watcher } from '../support/watcher.ts'

const markOverdue = statement('mark_overdue', 'update signals set overdue_at = now() where agent_id = $1')

describe.each(backends)('signals and limits on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let url: string
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    url = `ws://127.0.0.1:${(await running().app.listen()).port}/api/v1/ws`
  })
  const open = async () => {
    const socket = new RuntimeSocket(url, { token: fleet.rest.token })
    await socket.next('hello')
    return socket
  }
  const overdue = async () => (await countOpenSignals(running().app.database)).overdue

  it.each(['pause', 'terminate'])(
    'a %s that the runtime does not acknowledge is overdue until the runtime is gone',
    async (order) => {
      const { id } = await spawn(fleet)
      const watcher: Watcher = await open()
      await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'subscribed')
      const runtime = await open()
      await runtime.attach(id)
      const path = `${fleet.agents}/${id}`
      expect(
        (await (order === 'pause' ? fleet.rest.post(`${path}/pause`) : fleet.rest.delete(path))).status,
      ).toBe(200)
      await runtime.signal()
      await watcher.next((frame) => (frame.agent as Agent | undefined)?.control?.state === 'delivered')
      const before = await overdue()
      await running().app.database.run(markOverdue, [id])
      expect(await overdue()).toBe(before + 1)
      await runtime.close()
      await watcher.next((frame) => frame.name === 'agent.runtime_disconnected')
      expect(await overdue()).toBe(before)

      const again = await open()
      await again.attach(id)
      expect(await overdue()).toBe(before + 1)
      const { id: signal_id } = await again.signal()
      await again.acknowledge(id, signal_id)
      expect(await overdue()).toBe(before)
      for (const socket of [again, watcher]) await socket.close()
    },
  )

  it('a limit that is reached during a pause reaches watchers and becomes the reason', async () => {
    const { id } = await spawn(fleet, { token_limit: 10 })
    const path = `${fleet.agents}/${id}`
    const watcher: Watcher = await open()
    await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'subscribed')
    const runtime = await open()
    await runtime.attach(id)
    await fleet.rest.post(`${path}/pause`)
    for (const n of [1, 2]) await runtime.report(id, { n, usage: { tokens_used: 10 } })
    await runtime.acknowledge(id, (await runtime.signal()).id)
    await watcher.next('event')
    await watcher.next((frame) => frame.name === 'agent.signal_acknowledged')
    const exceeded = watcher.events().filter(({ name }) => name === 'agent.budget_exceeded')
    expect(exceeded).toHaveLength(1)
    expect(exceeded[0]).toMatchObject({
      agent: { status: 'paused', tokens_used: 10, control: { reason: 'budget' } },
    })
    expect(exceeded[0]).not.toHaveProperty('signal')
    expect((await fleet.rest.post(`${path}/resume`)).status).toBe(422)
    await fleet.rest.patch(path, { token_limit: 30 })
    expect((await fleet.rest.post(`${path}/resume`)).status).toBe(200)
    for (const socket of [runtime, watcher]) await socket.close()
  })
})
