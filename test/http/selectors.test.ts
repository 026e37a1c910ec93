import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { statement } from '#src/store/database.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Agent, type AgentMetrics, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { invalid, readLog, refusal, useApp } from './suite.ts'

type Page = { data: Agent[]; pagination: { total: number }; next_cursor: string | null }
type Bulk = { affected_count: number; skipped: object[] }

const names = (agents: readonly Agent[]) => agents.map(({ name }) => name).sort()
const query = (selector: string, more = '') => `?selector=${encodeURIComponent(selector)}${more}`

/** A name for each agent, so that results are easy to read. */
const cast: Record<string, object> = {
  ann: { labels: { team: 'support', tier: 'gold', env: 'prod' } },
  ben: { labels: { team: 'support', tier: 'silver', gpu: '' }, status: 'working' },
  cat: { labels: { team: 'sales', tier: 'gold', legacy: 'yes' } },
  dan: {},
}

/** What each selector finds among them. */
const found: [string, string[]][] = [
  ['team=support', ['ann', 'ben']],
  ['team==support,tier=gold', ['ann']],
  ['tier in (gold,silver),team!=sales', ['ann', 'ben']],
  ['env!=prod', ['ben', 'cat', 'dan']],
  ['team notin (support,sales)', ['dan']],
  ['gpu', ['ben']],
  ['!legacy', ['ann', 'ben', 'dan']],
  ['gpu=', ['ben']],
  [' team = support , ! gpu ', ['ann']],
  ['team=support,team=sales', []],
  ['constructor', []],
  ['', ['ann', 'ben', 'cat', 'dan']],
  ['  ', ['ann', 'ben', 'cat', 'dan']],
]

describe.each(backends)('selectors on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await castFleet()
  })

  async function castFleet(): Promise<Fleet> {
    const fresh = await createFleet(running().rest)
    for (const [name, own] of Object.entries(cast)) await spawn(fresh, { name, ...own })
    return fresh
  }

  const list = async (rest: string) => (await fleet.rest.get<Page>(`${fleet.agents}${rest}`)).body
  const act = (body: object, of = fleet) => of.rest.post<Bulk>(`${of.agents}/actions`, body)

  it.each(found)(
    '%j find agents on numbered pages, on a walk, and in metrics',
    async (selector, expected) => {
      const page = await list(query(selector))
      expect(names(page.data)).toEqual(expected)
      expect(page.pagination.total).toBe(expected.length)
      const walked: Agent[] = []
      for (let cursor: string | null = ''; cursor !== null; ) {
        const step: Page = await list(query(selector, `&limit=1&cursor=${cursor}`))
        walked.push(...step.data)
        cursor = step.next_cursor
      }
      expect(names(walked)).toEqual(expected)
      const metrics = (await fleet.rest.get<AgentMetrics>(`${fleet.agents}/metrics${query(selector)}`)).body
      expect(metrics.total_instances).toBe(expected.length)
    },
  )

  it('go together with the other filters', async () => {
    expect(names((await list(query('team=support', '&status=working'))).data)).toEqual(['ben'])
    expect(names((await list(query('team=support', '&q=AN'))).data)).toEqual(['ann'])
    expect((await list(query('team=support', '&limit=1&page=2'))).pagination).toMatchObject({ total: 2 })
  })

  it('belong to the cursor that they were given with', async () => {
    const { next_cursor } = await list(query('team=support', '&limit=1&cursor='))
    const cursor = `&limit=1&cursor=${next_cursor}`
    expect((await list(query('team=support', cursor))).data).toHaveLength(1)
    for (const other of [query('team=sales', cursor), `?${cursor}`])
      expect(await fleet.rest.get(`${fleet.agents}${other}`)).toEqual(invalid('cursor'))
    const first = await list('?limit=1&cursor=')
    expect((await list(query('', `&limit=1&cursor=${first.next_cursor}`))).data).toHaveLength(1)
  })

  it.each([
    ['team in gold', 'Expected (, at position 9'],
    ['a,,b', 'Expected a key, at position 3'],
    ['a b', 'Expected =, ==, !=, in, notin, a comma or the end, at position 3'],
    [Array(21).fill('a').join(), 'Must have at most 20 terms; there is one more, at position 41'],
    [`a=${' '.repeat(999)}`, 'Must have at most 1000 characters; there is one more, at position 1001'],
  ])('that are wrong are refused with a position, wherever they are given: %j', async (selector, message) => {
    const refused = refusal(422, 'VAL_001', { message, field: 'selector' })
    expect(await fleet.rest.get(`${fleet.agents}${query(selector)}`)).toEqual(refused)
    expect(await fleet.rest.get(`${fleet.agents}/metrics${query(selector)}`)).toEqual(refused)
    expect(await act({ action: 'pause', all: true, selector })).toEqual(refused)
    const webhook = { url: 'https://example.org/', selector }
    expect(await fleet.rest.post(`/projects/${fleet.project_id}/webhooks`, webhook)).toEqual(refused)
  })

  it('choose the agents of an action, and the others are not listed', async () => {
    const acting = await castFleet()
    const of = async (status: string) =>
      names((await acting.rest.get<Page>(`${acting.agents}?status=${status}`)).body.data)
    const pause = (selector: string, more = {}) =>
      act({ action: 'pause', all: true, selector, ...more }, acting)
    expect((await pause('team=support', { status: 'working' })).body).toMatchObject({
      affected_count: 1,
      skipped: [],
    })
    expect(await of('paused')).toEqual(['ben'])
    expect((await pause('team')).body).toMatchObject({
      affected_count: 2,
      skipped: [{ message: 'Cannot transition from paused to paused' }],
    })
    expect(await of('idle')).toEqual(['dan'])
    expect((await pause('team=nobody')).body).toMatchObject({ affected_count: 0, skipped: [] })
    expect((await act({ action: 'terminate', all: true, selector: '!team' }, acting)).body).toMatchObject({
      affected_count: 1,
    })
    expect((await act({ action: 'resume', all: true, selector: ' ' }, acting)).body).toMatchObject({
      affected_count: 3,
      skipped: [],
    })
  })

  it('of an action go with all, not with ids', async () => {
    const [one] = (await list('')).data
    const ids = [one?.id]
    expect(await act({ action: 'pause', ids, selector: 'team=support' })).toEqual(invalid('selector'))
    expect(await act({ action: 'pause', selector: 'team=support' })).toEqual(invalid('ids'))
    expect(await act({ action: 'pause', ids, all: true, selector: 'a' })).toEqual(invalid('ids', 'selector'))
    for (const selector of [7, {}, ['team']])
      expect(await act({ action: 'pause', all: true, selector })).toEqual(invalid('selector'))
    const before = await readLog(fleet.rest, fleet.project_id)
    expect((await act({ action: 'resume', ids, selector: '' })).status).toBe(200)
    expect(await readLog(fleet.rest, fleet.project_id)).toEqual(before)
  })
})

const lock = statement('test_lock_agent', 'select 1 from agents where id = $1 for update')
/** What sessions of this database wait for, without the short first attempts. */
const waits = statement(
  'test_waits',
  `select wait_event as event from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
   and clock_timestamp() - query_start > interval '100 ms'`,
)

describe.each(sharedBackends)('an action for a selector on $name', ({ config }) => {
  let apps: App[] = []
  beforeAll(async () => {
    const own = await config()
    apps = [await startApp(own), await startApp(own)]
  })
  afterAll(() => Promise.all(apps.map((app) => app.stop())))

  it('misses no agent whose labels another server changes while it waits', async () => {
    const [app, other] = apps as [App, App]
    const rest = await Rest.of(app).signIn()
    const fleet = await createFleet(rest)
    const first = await spawn(fleet, { labels: { team: 'red' } })
    const second = await spawn(fleet, { labels: { team: 'blue' } })
    const isWaiting = (event: string) => async () =>
      (await app.database.run<{ event: string }>(waits)).some((wait) => wait.event === event)
    const [locked, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const holding = app.database.transaction(async (sql) => {
      await sql.run(lock, [first.id])
      locked.resolve()
      await end.promise
    })
    await locked.promise
    const order = rest.post<Bulk>(`${fleet.agents}/actions`, {
      action: 'pause',
      all: true,
      selector: 'team=red',
    })
    await eventually(isWaiting('transactionid'))
    let isDone = false
    const relabelled = Rest.of(other)
      .as(rest.token)
      .patch(`${fleet.agents}/${second.id}`, { labels: { team: 'red' } })
      .finally(() => {
        isDone = true
      })
    await eventually(async () => isDone || (await isWaiting('advisory')()))
    end.resolve()
    await Promise.all([holding, order, relabelled])
    const log = await readLog(rest, fleet.project_id)
    const begins = log.findIndex(({ to }) => to === 'paused')
    const labels = new Map(log.slice(0, begins).map(({ agent }) => [agent.id, agent.labels.team]))
    const red = [...labels].filter(([, team]) => team === 'red').map(([id]) => id)
    const paused = log.filter(({ to }) => to === 'paused').map(({ agent }) => agent.id)
    expect(paused.toSorted()).toEqual(red.toSorted())
    expect(await order).toMatchObject({ status: 200, body: { affected_count: red.length, skipped: [] } })
    expect((await relabelled).status).toBe(200)
  })
})
