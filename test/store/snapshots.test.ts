import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { readSnapshot } from '#src/store/snapshots.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { spawnMany } from '../support/load.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'

const AGENTS = 120
const bounds = { page_size: 1, page_bytes: 1024, part_bytes: 1024 * 1024 }

describe.each(backends)('the snapshot that a server on $name reads', ({ config }) => {
  let app: App
  let fleet: Fleet
  beforeAll(async () => {
    app = await startApp(await config())
    fleet = await createFleet(await Rest.of(app).signIn())
  })
  afterAll(() => app.stop())

  it('has every agent as of its seq, while an order changes all of them', async () => {
    await spawnMany(fleet, AGENTS)
    const toPage = (agents: Pick<Agent, 'id' | 'status'>[]) => ({ length: 1, agents })
    const [snapshot, { status }] = await Promise.all([
      readSnapshot(app.database, { project_id: fleet.project_id, ...bounds }, { toPage }),
      fleet.rest.post(`${fleet.agents}/actions`, { action: 'pause', all: true }),
    ])
    expect(status).toBe(200)
    const agents = snapshot?.pages.flatMap((page) => page.agents) ?? []
    const isAfter = snapshot?.seq === 2 * AGENTS
    expect([AGENTS, 2 * AGENTS]).toContain(snapshot?.seq)
    expect(agents).toHaveLength(AGENTS)
    expect(new Set(agents.map((agent) => agent.status))).toEqual(new Set([isAfter ? 'paused' : 'idle']))
  })
})

describe.each(sharedBackends)('a database snapshot of a server on $name', ({ config }) => {
  it('does not see what others commit after its first statement', async () => {
    const app = await startApp(await config())
    const fleet = await createFleet(await Rest.of(app).signIn())
    const count = statement('test_count_agents', 'select count(*) as agents from agents')
    const seen = await app.database.snapshot(async (sql) => {
      const before = await sql.run(count)
      await spawn(fleet)
      return { before, after: await sql.run(count) }
    })
    expect(seen).toEqual({ before: [{ agents: 0 }], after: [{ agents: 0 }] })
    await app.stop()
  })
})
