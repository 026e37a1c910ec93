import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import { statement } from '#src/store/database.ts'
import { type Backend, backends, sharedBackends } from '../support/backends.ts'
import { withServer } from '../support/databases.ts'
import { fillFleet, fillFleetText, readLog } from '../support/load.ts'
import { type AgentMetrics, createFleet, type Fleet, Rest } from '../support/rest.ts'
import { ServerProcess } from '../support/server-process.ts'
import { Stage } from '../support/stage.ts'
import { measureLongestTurn } from '../support/turns.ts'

type Bulk = { affected_count: number; skipped: { id: string; message: string }[] }

/** More than a slice has, and more than is published event by event. */
const FLEET = 620

function useStage(backend: Backend): () => Stage {
  let stage: Stage | undefined
  beforeAll(async () => {
    stage = await Stage.start(backend)
  })
  afterAll(() => stage?.stop())
  return () => {
    if (!stage) throw new Error('the servers of this suite have not started')
    return stage
  }
}

const order = ({ rest, agents }: Fleet, body: object) => rest.post<Bulk>(`${agents}/actions`, body)

describe.each(backends)('an order for a fleet on $name', (backend) => {
  const stage = useStage(backend)
  let fleet: Fleet
  beforeEach(async () => {
    fleet = await createFleet(stage().superuser)
  })

  const fill = (size: number) => fillFleet(stage().app.database, fleet, { size })
  const statuses = async () => (await fleet.rest.get<AgentMetrics>(`${fleet.agents}/metrics`)).body.by_status
  const counted = async (line: string) => {
    const texts = stage().origins.map(async (origin) => (await fetch(`${origin}/metrics`)).text())
    return (await Promise.all(texts)).reduce(
      (sum, text) =>
        sum +
        Number(
          text
            .split('\n')
            .find((one) => one.startsWith(line))
            ?.slice(line.length) ?? 0,
        ),
      0,
    )
  }

  it('reaches each watcher on each server event by event, once and in order', async () => {
    await fill(FLEET)
    const watchers = await Promise.all(
      stage().origins.map(async (_, server) => {
        const watcher = await stage().connect(fleet.rest.token, server)
        await watcher.ask({ type: 'subscribe', project_id: fleet.project_id }, 'subscribed')
        return watcher
      }),
    )
    const { status, body } = await order(fleet, { action: 'pause', all: true, reason: 'storm' })
    expect({ status, body }).toMatchObject({ status: 200, body: { affected_count: FLEET, skipped: [] } })
    expect(await statuses()).toMatchObject({ paused: FLEET, idle: 0 })
    const log = await readLog(fleet.rest, fleet.project_id)
    expect(new Set(log.map(({ agent }) => agent.id)).size).toBe(FLEET)
    for (const watcher of watchers) {
      await watcher.next((frame) => frame.type === 'event' && frame.seq === FLEET)
      expect(watcher.events()).toEqual(log)
    }
  })

  it('counts every event in the metrics, even those that are not published', async () => {
    const transition = 'signalbox_transitions_total{from="idle",to="paused",actor="user"} '
    const lines = [transition, 'signalbox_signals_issued_total{kind="pause"} ']
    const before = await Promise.all(lines.map(counted))
    await fill(FLEET)
    await order(fleet, { action: 'pause', all: true })
    const after = await Promise.all(lines.map(counted))
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([FLEET, FLEET])
  })

  it('skips agents that cannot take it in every slice, each with its reason', async () => {
    await fill(FLEET)
    await order(fleet, { action: 'pause', all: true })
    const { body } = await order(fleet, { action: 'pause', all: true })
    expect(body.affected_count).toBe(0)
    expect(new Set(body.skipped.map(({ message }) => message))).toEqual(
      new Set(['Cannot transition from paused to paused']),
    )
    expect(new Set(body.skipped.map(({ id }) => id)).size).toBe(FLEET)
  })

  it('leaves the memory of every agent unchanged', async () => {
    await fill(FLEET)
    const remember = statement(
      'test_remember',
      `update agents set short_term_memory = '{"step": 7}' where project_id = $1`,
    )
    await stage().app.database.run(remember, [fleet.project_id])
    await order(fleet, { action: 'terminate', all: true })
    await fleet.rest.patch(`/projects/${fleet.project_id}`, { name: 'Renamed' })
    const { body } = await fleet.rest.get<{ data: { short_term_memory: object; project_name: string }[] }>(
      `${fleet.agents}?limit=100`,
    )
    for (const agent of body.data) {
      expect(agent).toMatchObject({ short_term_memory: { step: 7 }, project_name: 'Renamed' })
    }
  })

  it('supersedes the signals of an earlier order', async () => {
    await fill(FLEET)
    await order(fleet, { action: 'pause', all: true })
    await order(fleet, { action: 'terminate', all: true })
    const open = statement(
      'test_open_kinds',
      `select kind, outcome, count(*) as signals from signals s join agents a on a.id = s.agent_id
       where a.project_id = $1 group by 1, 2 order by 1`,
    )
    expect(await stage().app.database.run(open, [fleet.project_id])).toEqual([
      { kind: 'pause', outcome: 'superseded', signals: FLEET },
      { kind: 'terminate', outcome: null, signals: FLEET },
    ])
  })

  it.each(['project', 'agent type'])('that renames its %s gives every agent an event', async (what) => {
    await fill(FLEET)
    const path = what === 'project' ? `/projects/${fleet.project_id}` : `/agent-types/${fleet.agent_type_id}`
    expect((await fleet.rest.patch(path, { name: 'Renamed' })).status).toBe(200)
    const log = await readLog(fleet.rest, fleet.project_id)
    const nameOf = ({ agent }: AgentEventFrame) =>
      what === 'project' ? agent.project_name : agent.agent_type_name
    expect(log).toHaveLength(FLEET)
    expect(new Set(log.map(nameOf))).toEqual(new Set(['Renamed']))
    expect(new Set(log.map(({ name }) => name))).toEqual(new Set(['agent.updated']))
  })
})

describe.each(sharedBackends)('an order for a large fleet on $name', (backend) => {
  const stage = useStage(backend)

  it.each(['pause', 'terminate'])('to %s leaves the event loop free between its slices', async (action) => {
    const fleet = await createFleet(stage().superuser)
    await fillFleet(stage().app.database, fleet, { size: 10_000 })
    let answer: { status: number; body: Bulk } | undefined
    const { longest, total } = await measureLongestTurn(async () => {
      answer = await order(fleet, { action, all: true })
    })
    expect(answer).toMatchObject({ status: 200, body: { affected_count: 10_000 } })
    expect(longest / total).toBeLessThan(0.15)
  })
})

describe.each(sharedBackends)('an order for agents with large tasks on $name', ({ config }) => {
  it('does not grow the memory of the server with the fleet', async () => {
    const { databaseUrl = '', redisUrl = '' } = await config()
    const server = await ServerProcess.start({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl })
    try {
      const fleet = await createFleet(await Rest.at(server.origin).signIn())
      // Each is some 200 KB of JSON, once in its event and once in its row.
      const values = [fleet.project_id, fleet.agent_type_id, '\u0001'.repeat(32_768), 300]
      await withServer(databaseUrl, (client) => client.query(fillFleetText, values))
      const before = server.memory()
      let peak = before
      const watch = setInterval(() => {
        peak = Math.max(peak, server.memory())
      }, 20)
      const { status, body } = await order(fleet, { action: 'pause', all: true })
      clearInterval(watch)
      expect({ status, body }).toMatchObject({ status: 200, body: { affected_count: 300 } })
      expect((peak - before) / 1024 / 1024).toBeLessThan(200)
    } finally {
      await server.end()
    }
  })
})
