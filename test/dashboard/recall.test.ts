import { signal } from '@preact/signals'
import { expect, it, vi } from 'vitest'
import { connect } from '#src/client/connection/connection.ts'
import { createApi } from '#src/client/rest/rest.ts'
import { AgentEvents } from '#src/dashboard/model/agent-events.ts'
import { ProjectLive } from '#src/dashboard/model/project-live.ts'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import { useScene } from '../client/support.ts'
import { backends } from '../support/backends.ts'
import { spawn } from '../support/rest.ts'

// A browser's, which Node has not.
vi.stubGlobal('requestAnimationFrame', setImmediate)
const scene = useScene(backends[0] as (typeof backends)[number])
const EVENTS = 30
const inbox = { hear: vi.fn(), readSoon: vi.fn(), byAgent: signal(new Map()) }
/** As large as a task can be, so that some twenty events are an answer. */
const task = '\u0001'.repeat(32_768)

it('the page reads older events in three calls, also where only a few large events fit into one', async () => {
  const { reach, fleet } = scene()
  for (let index = 0; index < EVENTS; index++) await spawn(fleet, { current_task: task })
  const connection = connect(reach)
  const live = new ProjectLive(connection, fleet.project_id, inbox)
  await vi.waitUntil(() => live.isFilled, { timeout: 20_000 })
  await live.recall(createApi(reach))
  expect(live.recalled.value).toBe(2)
  const { events, firstSeq } = live.history
  expect(events.map(({ seq }) => seq)).toEqual(
    Array.from({ length: EVENTS - firstSeq }, (_, index) => firstSeq + 1 + index),
  )
  expect(firstSeq).toBe(0)
  live.close()
  connection.close()
})

it('the page has each event of an agent once, even while other agents fill the history of the project', async () => {
  const { reach, fleet } = scene()
  const { id } = await spawn(fleet, { name: 'Ada' })
  const ada = `${fleet.agents}/${id}`
  await fleet.rest.patch(ada, { current_task: 'before' })
  const others = await Promise.all(Array.from({ length: 100 }, () => spawn(fleet)))
  const ids = others.map((other) => other.id)
  const connection = connect(reach)
  const live = new ProjectLive(connection, fleet.project_id, inbox)
  await vi.waitUntil(() => live.isFilled, { timeout: 20_000 })
  const api = createApi(reach)
  const early = new AgentEvents(api, live, id)
  await vi.waitUntil(() => early.isRead, { timeout: 20_000 })
  await fleet.rest.patch(ada, { current_task: 'live' })
  for (let turn = 0; turn < 20; turn++) {
    for (const action of ['pause', 'resume'])
      await fleet.rest.post(`${fleet.agents}/actions`, { action, ids })
  }
  await fleet.rest.patch(ada, { current_task: 'after' })
  const { body } = await fleet.rest.get<{ last_seq: number }>(`/projects/${fleet.project_id}/events?limit=1`)
  await vi.waitUntil(() => live.seq === body.last_seq, { timeout: 30_000 })
  // The project's own history has only the newest of them.
  expect(live.history.events.filter(({ agent }) => agent?.id === id)).toHaveLength(1)
  const late = new AgentEvents(api, live, id)
  await vi.waitUntil(() => late.isRead, { timeout: 20_000 })
  for (const events of [early, late]) {
    await expect
      .poll(() => events.all.map(({ agent }) => agent.current_task))
      .toEqual([null, 'before', 'live', 'after'])
    expect(events.all.at(-1) && events.before(events.all.at(-1) as AgentEventFrame)?.current_task).toBe(
      'live',
    )
    events.close()
  }
  live.close()
  connection.close()
})
