import { expect, it, vi } from 'vitest'
import { connect } from '#src/client/connection.ts'
import { createApi } from '#src/client/rest.ts'
import { ProjectLive } from '#src/dashboard/model/project-live.ts'
import { useScene } from '../client/support.ts'
import { backends } from '../support/backends.ts'
import { spawn } from '../support/rest.ts'

// A browser's, which Node has not.
vi.stubGlobal('requestAnimationFrame', setImmediate)
const scene = useScene(backends[0] as (typeof backends)[number])
const EVENTS = 30
/** As large as a task can be, so that some twenty events are an answer. */
const task = '\u0001'.repeat(32_768)

it('what was before is recalled in three pages, also where events are so large that few are in one', async () => {
  const { reach, fleet } = scene()
  for (let index = 0; index < EVENTS; index++) await spawn(fleet, { current_task: task })
  const connection = connect(reach)
  const live = new ProjectLive(connection, fleet.project_id)
  await vi.waitUntil(() => live.isFilled)
  await live.recall(createApi(reach))
  expect(live.recalled.value).toBe(2)
  const { events, first_seq } = live.history
  expect(events.map(({ seq }) => seq)).toEqual(
    Array.from({ length: EVENTS - first_seq }, (_, index) => first_seq + 1 + index),
  )
  expect(first_seq).toBe(0)
  live.close()
  connection.close()
})
