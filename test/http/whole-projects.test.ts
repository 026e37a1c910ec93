import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { type Backend, sharedBackends, startApp } from '../support/backends.ts'
import { spawnMany, toggleAgents } from '../support/load.ts'
import { createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'

type Bulk = { affected_count: number; skipped: { id: string; message: string }[] }

const deadlocks = statement(
  'count_deadlocks',
  'select deadlocks from pg_stat_database where datname = current_database()',
)

describe.each(sharedBackends)('an order for a whole project, on $name,', (backend: Backend) => {
  let config: Awaited<ReturnType<typeof backend.config>>
  let apps: App[]
  let rests: Rest[]
  let fleet: Fleet
  let under_way: Promise<unknown>
  let stopped: boolean
  beforeEach(async () => {
    config = await backend.config()
    apps = [await startApp(config), await startApp(config)]
    const rest = await Rest.of(apps[0] as App).signIn()
    rests = [rest, Rest.of(apps[1] as App).as(rest.token)]
    fleet = await createFleet(rest)
    stopped = false
  })
  afterEach(() => Promise.all(apps.map((app) => app.stop())))

  const act = (body: object) => fleet.rest.post<Bulk>(`${fleet.agents}/actions`, body)
  const quiet = () => {
    stopped = true
    return under_way
  }
  /** Spawns through both servers until it is quiet again, and begins to say so with the fortieth. */
  const spawning = () =>
    new Promise<void>((resolve) => {
      let spawned = 0
      const work = async (writer: number) => {
        const own = { ...fleet, rest: rests[writer % 2] as Rest }
        while (!stopped && spawned < 800) {
          await spawn(own)
          if (++spawned === 40) resolve()
        }
      }
      under_way = Promise.all(Array.from({ length: 8 }, (_, writer) => work(writer)))
    })

  it('is done while agents change through several servers, without a deadlock', async () => {
    const agents = await spawnMany(fleet, 60)
    const writing = [1, 2].map(() => toggleAgents({ rests, fleet, agents, writers: 16 }, () => stopped))
    under_way = Promise.all(writing)
    const answers = []
    for (let round = 0; round < 10; round++) {
      answers.push(await act({ action: 'pause', all: true, status: 'working' }))
      answers.push(await act({ action: 'resume', all: true, status: 'paused' }))
    }
    await quiet()
    expect(answers.map(({ status, body }) => ({ status, skipped: body.skipped }))).toEqual(
      answers.map(() => ({ status: 200, skipped: [] })),
    )
    // What a connection has counted is sure to be seen once it is closed.
    await Promise.all(apps.map((app) => app.stop()))
    apps = [await startApp(config)]
    expect(await apps[0]?.database.run(deadlocks)).toEqual([{ deadlocks: 0 }])
  })

  it('terminates all while agents are spawned through several servers', async () => {
    await spawning()
    const answers = [await act({ action: 'terminate', all: true }), await act({ action: 'pause', all: true })]
    await quiet()
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
  })

  it('renames it while agents are spawned through several servers', async () => {
    await spawning()
    const statuses = []
    for (const name of ['One', 'Two', 'Three', 'Four', 'Five']) {
      statuses.push((await fleet.rest.patch(`/projects/${fleet.project_id}`, { name })).status)
    }
    await quiet()
    expect(statuses).toEqual([200, 200, 200, 200, 200])
  })
})
