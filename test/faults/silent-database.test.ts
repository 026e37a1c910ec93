import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Config } from '#src/config/config.ts'
import type { App } from '#src/server/app.ts'
import { migrate } from '#src/store/migrate.ts'
import { closeOrm, openOrm } from '#src/store/orm.ts'
import { pruneEvents } from '#src/store/retention.ts'
import { sharedBackends, startApp } from '../support/backends.ts'
import { withServer } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { createFleet, type Fleet, Rest, spawn, unique } from '../support/rest.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

/** What operators are promised. */
const HEALED_MS = 20_000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** How long it takes until `attempt` succeeds. */
async function untilDone(attempt: () => Promise<boolean>): Promise<number> {
  const begun = performance.now()
  while (!(await attempt())) {
    if (performance.now() - begun > HEALED_MS * 2) throw new Error('it is still not healed')
    await pause(200)
  }
  return performance.now() - begun
}

/** Silent, with its statement done and its locks taken. */
async function goSilent(
  { proxy, databaseUrl }: Pick<Pair, 'proxy' | 'databaseUrl'>,
  text: string,
  begin: () => void,
) {
  const silent = proxy.silenceAfter(text)
  begin()
  await silent
  await withServer(databaseUrl, (client) =>
    eventually(async () => {
      const { rowCount } = await client.query(
        `select 1 from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
      )
      return rowCount === 1
    }),
  )
}

/** Two replicas on one database, the first through a proxy. */
type Pair = { proxy: TcpProxy; databaseUrl: string; proxied: App; direct: App; fleet: Fleet; beside: Fleet }

/** Each has a database: what is silent in one case blocks no other. */
describe.each(sharedBackends)('a network that goes silent in mid-transaction, on $name', ({ config }) => {
  /** Two replicas on one database, the first through a proxy. */
  type Pair = {
    proxy: TcpProxy
    databaseUrl: string
    proxied: App
    direct: App
    fleet: Fleet
    beside: Fleet
  }
  const pairs: Record<'write' | 'keyed' | 'prune' | 'migrate', Pair | undefined> = {
    write: undefined,
    keyed: undefined,
    prune: undefined,
    migrate: undefined,
  }
  const startPair = async (own: Partial<Config>): Promise<Pair> => {
    const databaseUrl = own.databaseUrl ?? ''
    const proxy = await TcpProxy.to(databaseUrl)
    const proxied = await startApp({ ...own, databaseUrl: proxy.through(databaseUrl) })
    const direct = await startApp(own)
    const fleet = await createFleet(await Rest.of(proxied).signIn())
    const beside = { ...fleet, rest: Rest.of(direct).as(fleet.rest.token) }
    return { proxy, databaseUrl, proxied, direct, fleet, beside }
  }
  const pairOf = (name: keyof typeof pairs) => {
    const pair = pairs[name]
    if (!pair) throw new Error('it was not started')
    return pair
  }
  beforeAll(async () => {
    for (const name of Object.keys(pairs) as (keyof typeof pairs)[])
      pairs[name] = await startPair(await config())
  })
  afterAll(async () => {
    for (const pair of Object.values(pairs)) {
      await pair?.proxy.close()
      await pair?.direct.stop()
      await pair?.proxied.stop()
    }
  })

  const spawnAt = async ({ rest, agents, agent_type_id }: Fleet, headers = {}) => {
    const { status } = await rest.call('POST', agents, { agent_type_id, name: 'Ada' }, headers)
    return status === 201
  }

  it.concurrent('holds up the writes of its project for 20 s at most, on every replica', async () => {
    const pair = pairOf('write')
    const { fleet, beside } = pair
    await spawn(fleet)
    let lost: Promise<boolean> | undefined
    await goSilent(pair, 'lock_projects', () => {
      lost = spawnAt(fleet)
    })
    const times = await Promise.all([untilDone(() => spawnAt(beside)), untilDone(() => spawnAt(fleet))])
    expect(Math.max(...times)).toBeLessThan(HEALED_MS)
    expect(await lost).toBe(false)
  })

  it.concurrent('holds up an Idempotency-Key for 20 s at most', async () => {
    const pair = pairOf('keyed')
    const { fleet, beside } = pair
    const headers = { 'idempotency-key': unique('key') }
    let lost: Promise<boolean> | undefined
    await goSilent(pair, 'claim_key', () => {
      lost = spawnAt(fleet, headers)
    })
    const times = await Promise.all([
      untilDone(() => spawnAt(beside, headers)),
      untilDone(() => spawnAt(fleet, headers)),
    ])
    expect(Math.max(...times)).toBeLessThan(HEALED_MS)
    expect(await lost).toBe(false)
  })

  it.concurrent('holds up retention for 20 s at most', async () => {
    const pair = pairOf('prune')
    const { proxied, direct, fleet } = pair
    await spawn(fleet)
    // Whatever is there, as if it was a minute later.
    const prune = ({ database }: App) => pruneEvents(database, -60, 1)
    let lost: Promise<unknown> | undefined
    await goSilent(pair, 'retention_lock', () => {
      lost = expect(prune(proxied)).rejects.toThrow()
    })
    expect(await untilDone(async () => (await prune(direct)) > 0)).toBeLessThan(HEALED_MS)
    await lost
  })

  it.concurrent('holds up the migrations of other replicas for 20 s at most', async () => {
    const pair = pairOf('migrate')
    const { proxy, databaseUrl, direct } = pair
    const location = { url: proxy.through(databaseUrl), pool_size: 2 }
    const orm = await openOrm(location)
    let lost: Promise<unknown> | undefined
    await goSilent(pair, 'advisory', () => {
      lost = expect(migrate(orm, location)).rejects.toThrow()
    })
    const begun = performance.now()
    await migrate(direct.orm, { url: databaseUrl, pool_size: 2 })
    expect(performance.now() - begun).toBeLessThan(HEALED_MS)
    await proxy.close()
    await lost
    await closeOrm(orm)
  })
})
