import { signal } from '@preact/signals'
import { expect, it, vi } from 'vitest'
import { connect } from '#src/client/connection/connection.ts'
import { createApi } from '#src/client/rest/rest.ts'
import { ProjectLive } from '#src/dashboard/model/project-live.ts'
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
