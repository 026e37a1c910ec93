import { beforeAll, describe, expect, it } from 'vitest'
import type { Principal } from '#src/domain/access.ts'
import { createUnsentBudget } from '#src/domain/unsent-budget.ts'
import { AccessRecheck } from '#src/realtime/access/access-recheck.ts'
import { SocketCounts } from '#src/realtime/access/socket-counts.ts'
import { MAX_SOCKETS_OF_PRINCIPAL, MAX_SOCKETS_OF_USER } from '#src/realtime/bounds.ts'
import { Credentials } from '#src/realtime/sessions/credentials.ts'
import { AwakeClock } from '#src/realtime/socket/awake-clock.ts'
import type { Connection } from '#src/realtime/socket/connection.ts'
import { EventStreams } from '#src/realtime/streams/event-streams.ts'
import { DatabaseClock } from '#src/store/clock.ts'
import { UNKNOWN, useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { createFleet, type Fleet } from '../support/rest.ts'

const user: Principal = { kind: 'user', id: 'Ada', role: 'user' }
const keyOf = (id: string): Principal => ({
  kind: 'api_key',
  id,
  role: 'viewer',
  maker: { id: user.id, is_superuser: false },
})

describe.each(backends.slice(0, 1))('a stream of events', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await createFleet(running().rest)
  })

  const start = () => {
    const { hub, database } = running().app
    const guards = new AccessRecheck(database, Date.now)
    guards.close()
    const counts = new SocketCounts()
    const streams = new EventStreams({
      hub,
      guards,
      counts,
      budget: createUnsentBudget(),
      clock: new DatabaseClock(),
    })
    const open = async (principal = user, { project_id = fleet.project_id, address = '192.0.2.1' } = {}) => {
      const authentication = { principal, expires_at: null, credential_id: principal.id }
      const blocks = await streams.open(project_id, { after: undefined, authentication, address })
      return blocks?.[Symbol.asyncIterator]()
    }
    return { hub, counts, streams, open }
  }
  const many = (count: number, take: () => boolean) => {
    for (let left = count; left > 0; left--) expect(take()).toBe(true)
  }
  const tooMany = expect.objectContaining({ kind: 'rate_limited', retry_after: expect.any(Number) })

  type Blocks = Awaited<ReturnType<ReturnType<typeof start>['open']>>
  type Started = ReturnType<typeof start>
  it.each<[string, (blocks: Blocks, started: Started) => unknown]>([
    ['is given up before it is read', (blocks) => blocks?.return?.()],
    [
      'is given up while it waits',
      async (blocks) => {
        await blocks?.next()
        const waiting = blocks?.next()
        await blocks?.return?.()
        await waiting
      },
    ],
    [
      'ends with its project',
      async (blocks, { hub }) => {
        await blocks?.next()
        const waiting = blocks?.next()
        for (const feed of hub.feeds()) feed.end()
        expect(await waiting).toMatchObject({ done: true })
      },
    ],
    [
      'ends with the server',
      async (blocks, { streams }) => {
        await blocks?.next()
        streams.close()
        expect(await blocks?.next()).toMatchObject({ done: true })
      },
    ],
  ])('has a place among its principal’s sockets until it %s', async (_, end) => {
    const started = start()
    const { counts, open } = started
    many(MAX_SOCKETS_OF_PRINCIPAL - 1, () => counts.take('principal', 'user Ada'))
    const blocks = await open()
    await expect(open()).rejects.toEqual(tooMany)
    expect(counts.take('principal', 'user Ada')).toBe(false)
    await end(blocks, started)
    expect(counts.take('principal', 'user Ada')).toBe(true)
    expect(counts.size).toBe(1)
    expect(running().app.hub.feeds()).toEqual([])
  })

  it('counts for its address and for the user of its key', async () => {
    const { counts, open } = start()
    many(MAX_SOCKETS_OF_USER - 1, () => counts.take('user', user.id))
    const blocks = await open(keyOf('one'))
    await expect(open(keyOf('two'))).rejects.toEqual(tooMany)
    await expect(open()).rejects.toEqual(tooMany)
    await blocks?.return?.()
    await (await open(keyOf('two')))?.return?.()
    expect(counts.size).toBe(1)
  })

  it('shares the user’s limit with sockets, whichever key they use', async () => {
    const { counts, open } = start()
    const closes: string[] = []
    const socket = (principal: Principal) => {
      const connection = { close: (code: string) => closes.push(code) } as unknown as Connection
      const services = {
        authenticate: async () => expect.fail('not asked'),
        counts,
        clock: new DatabaseClock(),
        awake: new AwakeClock(),
        address: '192.0.2.1',
      }
      const credentials = new Credentials(services, connection, () => {})
      credentials.start({ principal, expires_at: null, credential_id: principal.id })
      return credentials
    }
    many(MAX_SOCKETS_OF_USER - 2, () => counts.take('user', user.id))
    const blocks = await open(keyOf('one'))
    const first = socket(keyOf('two'))
    expect(closes).toEqual([])
    socket(keyOf('three')).stop()
    expect(closes).toEqual(['too_many'])
    first.stop()
    socket(keyOf('three')).stop()
    expect(closes).toEqual(['too_many'])
    await blocks?.return?.()
    expect(counts.size).toBe(1)
  })

  it('that is opened while the server stops ends at once, so that its reader reconnects elsewhere', async () => {
    const { streams, counts, open } = start()
    streams.close()
    const blocks = await open()
    expect(await blocks?.next()).toMatchObject({ value: ': signalbox\n\n' })
    expect(await blocks?.next()).toMatchObject({ done: true })
    expect(counts.size).toBe(0)
  })

  it('that cannot be opened uses no quota', async () => {
    const { counts, open } = start()
    expect(await open(user, { project_id: UNKNOWN })).toBeUndefined()
    await expect(open(user, { project_id: 'nonsense' })).rejects.toThrow()
    expect(counts.size).toBe(0)
  })
})
