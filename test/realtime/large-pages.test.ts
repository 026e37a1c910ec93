import { beforeAll, describe, expect, it } from 'vitest'
import { createUnsentBudget } from '#src/domain/unsent-budget.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { LogPages } from '#src/realtime/feed/log-pages.ts'
import { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import { Snapshots } from '#src/realtime/feed/snapshots.ts'
import { type Outlet, Subscription } from '#src/realtime/feed/subscription.ts'
import type { Database } from '#src/store/database.ts'
import { readSnapshot } from '#src/store/snapshots.ts'
import { useApp } from '../http/suite.ts'
import { backends } from '../support/backends.ts'
import { type Agent, createFleet, type Fleet, spawn } from '../support/rest.ts'

const NOW = '2026-11-23T18:03:11.204Z'
/** The longest task in bytes: each character takes six in JSON. */
const LARGE_TASK = '\u0001'.repeat(32_768)
/** A page ends with the event or agent that reaches 1 MiB. */
const ONE_EVENT_BYTES = 6 * LARGE_TASK.length + 8 * 1024
const MAX_PAGE_BYTES = 1024 * 1024 + ONE_EVENT_BYTES
const AGENTS = 16
const EVENTS = 300

/** The text frames in one write. */
function* framesOf(written: Buffer): Generator<string> {
  for (let start = 0; start < written.length; ) {
    const short = written.readUInt8(start + 1)
    const header = short < 126 ? 2 : short === 126 ? 4 : 10
    const length =
      header === 2
        ? short
        : header === 4
          ? written.readUInt16BE(start + 2)
          : Number(written.readBigUInt64BE(start + 2))
    yield written.toString('utf8', start + header, start + header + length)
    start += header + length
  }
}

/** A socket that takes everything. */
class Taker implements Outlet {
  readonly isOpen = true
  isFull = false
  readonly sink = { writable: true, writableLength: 0, write: (frames: Buffer) => this.write(frames) }
  readonly sizes: number[] = []
  readonly frames: (ServerMessage | EventFrame)[] = []
  readonly #until: (frame: ServerMessage | EventFrame) => boolean
  readonly #done = Promise.withResolvers<void>()
  readonly done = this.#done.promise

  constructor(until: (frame: ServerMessage | EventFrame) => boolean) {
    this.#until = until
  }

  send(message: ServerMessage): void {
    this.#take(message)
  }

  write(frames: Buffer): void {
    this.sizes.push(frames.length)
    for (const text of framesOf(frames)) this.#take(JSON.parse(text))
  }

  #take(frame: ServerMessage | EventFrame): void {
    this.frames.push(frame)
    if (this.#until(frame)) this.#done.resolve()
  }

  async drained(): Promise<void> {}
}

/** A socket that takes one page of a snapshot at a time and calls `between` before the next. */
class SlowTaker extends Taker {
  readonly #between: () => Promise<unknown>

  constructor(until: (frame: ServerMessage | EventFrame) => boolean, between: () => Promise<unknown>) {
    super(until)
    this.#between = between
  }

  override write(frames: Buffer): void {
    super.write(frames)
    this.isFull = this.frames.at(-1)?.type === 'snapshot'
  }

  override async drained(): Promise<void> {
    await this.#between()
    this.isFull = false
  }
}

const isEvent = (frame: ServerMessage | EventFrame): frame is EventFrame => frame.type === 'event'
const isSnapshot = (frame: { type: string }) => frame.type === 'snapshot'

describe.each(backends)('the largest events and agents on $name', (backend) => {
  const running = useApp(backend)
  let fleet: Fleet
  let agents: Agent[]
  const seqs = Array.from({ length: EVENTS }, (_, index) => index + 1)

  beforeAll(async () => {
    fleet = await createFleet(running().rest)
    agents = []
    for (let index = 0; index < AGENTS; index++) {
      agents.push(await spawn(fleet, { current_task: index % 2 ? LARGE_TASK : null }))
    }
    const write = (index: number) => {
      const { id } = agents[index % AGENTS] as Agent
      // Some large events alone, some in a row, and some at the end.
      const isLarge = index % 50 === 0 || (index > 100 && index < 120) || index > EVENTS - 10
      const current_task = isLarge ? `${LARGE_TASK.slice(4)}${index}` : `${index}`
      return fleet.rest.patch(`${fleet.agents}/${id}`, { current_task })
    }
    for (let index = AGENTS; index < EVENTS; index++) expect((await write(index)).status).toBe(200)
    for (const { id } of agents) await fleet.rest.patch(`${fleet.agents}/${id}`, { tokens_used: 0 })
  })

  const subscribe = async (
    project_id: string,
    after: number | undefined,
    taker: Taker,
    snapshots = new Snapshots(running().app.database),
  ) => {
    const { hub } = running().app
    const feed = await hub.acquire(project_id)
    if (!feed) throw new Error('the project has no feed')
    const account = createUnsentBudget().account('Ada')
    const services = { connection: taker, account, hub, snapshots }
    const subscription = new Subscription(feed, services, () => {})
    await subscription.start({ after, epoch: undefined, id: undefined })
    await taker.done
    subscription.stop()
  }

  it('come by GET in answers of four megabytes, each event once', async () => {
    const read: number[] = []
    const counts: number[] = []
    for (let last_seq = Number.POSITIVE_INFINITY; (read.at(-1) ?? 0) < last_seq; ) {
      const headers = { authorization: `Bearer ${fleet.rest.token}` }
      const path = `/api/v1/projects/${fleet.project_id}/events?limit=1000&after=${read.at(-1) ?? 0}`
      const text = await (await running().app.api.request(path, { headers }, {})).text()
      expect(text.length).toBeLessThan(4 * 1024 * 1024 + ONE_EVENT_BYTES)
      const body = JSON.parse(text) as { data: EventFrame[]; last_seq: number }
      counts.push(body.data.length)
      read.push(...body.data.map(({ seq }) => seq))
      last_seq = body.last_seq
    }
    expect(read).toEqual(seqs)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    expect(counts.length).toBeGreaterThan(1)
  })

  it.each([0, 7, 110, 270])(
    'come over a stream in blocks of a megabyte, each event after %i once',
    async (after) => {
      const headers = { authorization: `Bearer ${fleet.rest.token}` }
      const path = `/api/v1/projects/${fleet.project_id}/events/stream?after=${after}`
      const { body } = await running().app.api.request(path, { headers }, {})
      if (!body) throw new Error('the answer has no body')
      const read: number[] = []
      for await (const block of body) {
        expect(block.length).toBeLessThan(MAX_PAGE_BYTES)
        const ids = new TextDecoder().decode(block).matchAll(/^id: (\d+)$/gm)
        read.push(...Array.from(ids, ([, id]) => Number(id)))
        if (read.at(-1) === EVENTS) break
      }
      expect(read).toEqual(seqs.slice(after))
    },
  )

  it.each([0, 7, 110, 270])(
    'are written to a socket a megabyte at a time, each event after %i once',
    async (after) => {
      const taker = new Taker((frame) => isEvent(frame) && frame.seq === EVENTS)
      await subscribe(fleet.project_id, after, taker)
      expect(taker.frames.filter(isEvent).map(({ seq }) => seq)).toEqual(seqs.slice(after))
      expect(Math.max(...taker.sizes)).toBeLessThan(MAX_PAGE_BYTES)
    },
  )

  it('come as snapshots in pages of a megabyte, each agent once, and only the last page says that it is', async () => {
    const taker = new Taker((frame) => frame.type === 'snapshot' && frame.last)
    await subscribe(fleet.project_id, undefined, taker)
    const pages = taker.frames.flatMap((frame) => (frame.type === 'snapshot' ? [frame] : []))
    expect(pages.length).toBeGreaterThan(1)
    expect(pages.map(({ last }) => last)).toEqual(pages.map((_, index) => index === pages.length - 1))
    expect(pages.flatMap((page) => page.agents.map(({ id }) => id))).toEqual(
      agents.map(({ id }) => id).sort(),
    )
    expect(Math.max(...taker.sizes)).toBeLessThan(MAX_PAGE_BYTES)
  })

  it('a snapshot in parts and its events give the state of REST while agents change', async () => {
    const line = await createFleet(fleet.rest)
    const seen: Agent[] = []
    for (let index = 0; index < 9; index++) seen.push(await spawn(line))
    const changed = [8, 0, 4].map((index) => seen[index] as Agent)
    const change = () => line.rest.patch(`${line.agents}/${changed.shift()?.id}`, { current_task: 'drive' })
    const taker = new SlowTaker((frame) => isEvent(frame) && frame.seq === 12, change)
    const snapshots = new Snapshots(running().app.database, { page_size: 3, part_bytes: 1 })
    await subscribe(line.project_id, undefined, taker, snapshots)

    const pages = taker.frames.flatMap((frame) => (frame.type === 'snapshot' ? [frame] : []))
    const sizes = pages.map(({ seq, agents: some, last }) => [seq, some.length, last])
    expect(sizes).toEqual([
      [9, 3, false],
      [9, 3, false],
      [9, 2, true],
    ])
    const events = taker.frames.filter(isEvent)
    expect(events.map(({ seq }) => seq)).toEqual([10, 11, 12])
    const agentsById = new Map(pages.flatMap((page) => page.agents.map((agent) => [agent.id, agent])))
    for (const { agent } of events) if (agent) agentsById.set(agent.id, agent)
    const { body } = await line.rest.get<{ data: Agent[] }>(line.agents)
    expect(agentsById).toEqual(
      new Map(body.data.map(({ short_term_memory: _, ...agent }) => [agent.id, agent])),
    )
  })

  it('a project without agents has one empty page', async () => {
    const { project_id } = await createFleet(fleet.rest)
    const taker = new Taker((frame) => frame.type === 'snapshot')
    await subscribe(project_id, undefined, taker)
    expect(taker.frames.filter(isSnapshot)).toMatchObject([{ seq: 0, agents: [], last: true }])
  })

  it('a page that ends with the last agent is the last', async () => {
    const paging = async (page_size: number, page_bytes: number) => {
      const toPage = (page: unknown[], { last }: { last: boolean }): [number, boolean] => [page.length, last]
      const bounds = { project_id: fleet.project_id, page_size, page_bytes, part_bytes: ample }
      return (await readSnapshot(running().app.database, bounds, { toPage }))?.pages
    }
    const ample = 64 * 1024 * 1024
    expect(await paging(AGENTS, ample)).toEqual([[AGENTS, true]])
    expect(await paging(AGENTS - 1, ample)).toEqual([
      [AGENTS - 1, false],
      [1, true],
    ])
    expect(await paging(AGENTS / 2, ample)).toEqual([
      [AGENTS / 2, false],
      [AGENTS / 2, true],
    ])
    expect(await paging(AGENTS, 1)).toEqual(agents.map((_, index) => [1, index === AGENTS - 1]))
  })
})

it('live events of one turn are written a megabyte at a time', () => {
  const project_id = '00000000-0000-4000-8000-000000000000'
  const database = { run: async () => [] } as unknown as Database
  const counts = { filled: 0, repeated: 0, lost: 0, delivered: 0 }
  const feed = new ProjectFeed(project_id, { epoch: 1, newest: 0 }, { pages: new LogPages(database), counts })
  const written: Buffer[] = []
  const sink = { writable: true, writableLength: 0, write: (frames: Buffer) => written.push(frames) }
  const nothing = () => {}
  feed.watch({ sink, receive: nothing, lost: nothing, deleted: nothing, parked: nothing }, 0)
  const seqs = Array.from({ length: 100 }, (_, index) => index + 1)
  for (const seq of seqs) {
    const frame = JSON.stringify({ seq, task: LARGE_TASK })
    feed.accept({ project_id, epoch: 1, seq, name: 'agent.updated', at: NOW, frame })
  }
  feed.flush()
  feed.close()
  const frames = written.flatMap((one) => [...framesOf(one)].map((text) => JSON.parse(text).seq))
  expect(frames).toEqual(seqs)
  expect(Math.max(...written.map((one) => one.length))).toBeLessThan(MAX_PAGE_BYTES)
})
