import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUnsentBudget } from '#src/domain/unsent-budget.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import { PARK_BYTES } from '#src/realtime/bounds.ts'
import type { FrameSink } from '#src/realtime/feed/live-sockets.ts'
import { LogPages } from '#src/realtime/feed/log-pages.ts'
import { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import { type Outlet, Subscription } from '#src/realtime/feed/subscription.ts'
import type { Database } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'

/**
 * A model of the log, a bus that loses, repeats and reorders, restored backups, readers that come, stall and go, and
 * events of which a few fill a page. Whatever the order of steps, every reader ends with each number after its start once,
 * in order and in one epoch, and gets a snapshot instead of events only where the events are gone.
 */
const project_id = '00000000-0000-4000-8000-000000000000'

const toEvent = (epoch: number, seq: number, padding = 0): LoggedEvent => ({
  project_id,
  epoch,
  seq,
  name: 'agent.updated',
  at: '2026-11-23T18:03:11.204Z',
  frame: `{"seq":${seq},"epoch":${epoch}}${' '.repeat(padding)}`,
})

/** Small enough for large events to fill a page, and large enough for a whole page of small ones. */
const MAX_BYTES = 16 * 1024

/** The part of the database that feeds use: the log. */
class Log {
  epoch = 1
  newest = 0
  oldest = 1

  /** The padding of each event in turn, in bytes, over and over. */
  readonly #paddings: readonly number[]

  constructor(paddings: readonly number[]) {
    this.#paddings = paddings
  }

  event(seq: number): LoggedEvent {
    return toEvent(this.epoch, seq, this.#paddings[seq % this.#paddings.length])
  }

  has(seq: number): boolean {
    return seq >= this.oldest && seq <= this.newest
  }

  readonly database = {
    run: async (_statement: unknown, values: readonly unknown[]) => {
      const [, after, limit, max_bytes] = values as [string, number, number, number]
      const from = Math.max(after + 1, this.oldest)
      const count = Math.max(0, Math.min(limit, this.newest - from + 1))
      const events: LoggedEvent[] = []
      for (let bytes = 0; events.length < count && bytes < max_bytes; ) {
        const event = this.event(from + events.length)
        bytes += event.frame.length
        events.push(event)
      }
      return events
    },
  } as unknown as Database
}

class Reader implements Outlet, FrameSink {
  isOpen = true
  isFull = false
  readonly sink = this
  /** The last event received on any connection. A snapshot counts as all events before it. */
  position: number | undefined
  epoch = 1
  readonly faults: string[] = []
  readonly #log: Log
  #subscription: Subscription | undefined
  #resume: (() => void)[] = []

  constructor(log: Log) {
    this.#log = log
  }

  get writable(): boolean {
    return this.isOpen
  }

  get writableLength(): number {
    return this.isFull ? PARK_BYTES + 1 : 0
  }

  async connect(feed: ProjectFeed): Promise<void> {
    const log = this.#log
    this.disconnect()
    this.isOpen = true
    const hub = {
      release: () => {},
      checkTails: () => feed.catchUpTo(log),
      nextTailCheck: turn,
    }
    const snapshots = {
      read: async () => ({ seq: log.newest, epoch: log.epoch, pages: [], rest: undefined }),
      readStops: async () => ({ holds: [], budgets: [] }),
    }
    this.#subscription = new Subscription(
      feed,
      { connection: this, account: createUnsentBudget().account('Ada'), hub, snapshots },
      () => {},
    )
    await this.#subscription.start({ after: this.position, epoch: this.epoch, id: undefined })
  }

  disconnect(): void {
    this.isOpen = false
    this.#subscription?.stop()
    this.#subscription = undefined
    this.unstall()
  }

  unstall(): void {
    this.isFull = false
    for (const resume of this.#resume.splice(0)) resume()
  }

  drained(): Promise<void> {
    return this.isFull ? new Promise((resolve) => this.#resume.push(resolve)) : Promise.resolve()
  }

  send(message: ServerMessage): void {
    if (message.type !== 'subscribed') return
    const { position, epoch } = this
    const isThere = position !== undefined && this.#log.has(position + 1) && epoch === this.#log.epoch
    if (message.reason === 'expired' && isThere) this.faults.push(`no ${position + 1}, which is there`)
    this.epoch = message.epoch
    if (!message.resumed) this.position = message.seq
  }

  write(frames: Buffer): void {
    for (const [, text, epoch] of frames.toString('latin1').matchAll(/"seq":(\d+),"epoch":(\d+)/g)) {
      const seq = Number(text)
      if (Number(epoch) !== this.epoch) this.faults.push(`of ${epoch} in ${this.epoch}`)
      if (seq !== (this.position ?? 0) + 1) this.faults.push(`${seq} after ${this.position}`)
      this.position = seq
    }
  }
}

/** Small events, events of a quarter page, and events larger than a page. */
const padding = fc.constantFrom(0, 0, 0, MAX_BYTES / 4, MAX_BYTES + 1)
const paddings = fc.array(padding, { minLength: 1, maxLength: 8 })
const reader = fc.nat(2)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('commit' as const), heard: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('hear' as const), back: fc.nat(6) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('burst' as const), count: fc.integer({ min: 1, max: 700 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tail' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), back: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('belated' as const), back: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const), keep: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('connect' as const), reader }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const), reader }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stall' as const), reader }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unstall' as const), reader }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const { FUZZ_RUNS = '1500', FUZZ_SEED } = process.env
const histories = { numRuns: Number(FUZZ_RUNS), ...(FUZZ_SEED && { seed: Number(FUZZ_SEED) }) }

async function play(log: Log, steps: Step[]): Promise<{ readers: Reader[]; feed: ProjectFeed }> {
  const feed = new ProjectFeed(
    project_id,
    { epoch: 1, newest: 0 },
    {
      pages: new LogPages(log.database, MAX_BYTES),
      counts: { filled: 0, repeated: 0, lost: 0, delivered: 0 },
      onAhead: () => void feed.catchUpTo(log),
    },
  )
  const readers = [new Reader(log), new Reader(log), new Reader(log)]
  const pick = (index: number) => readers[index] as Reader
  const doing: { [Name in Step['do']]: (step: Extract<Step, { do: Name }>) => unknown } = {
    commit: ({ heard }) => {
      log.newest++
      if (heard) feed.accept(log.event(log.newest))
    },
    hear: ({ back }) => log.newest - back > 0 && feed.accept(log.event(log.newest - back)),
    burst: ({ count }) => {
      log.newest += count
    },
    tail: () => feed.catchUpTo(log),
    restore: ({ back }) => {
      log.epoch++
      log.newest = Math.max(0, log.newest - back)
      log.oldest = Math.min(log.oldest, log.newest + 1)
    },
    // News of the previous epoch.
    belated: ({ back }) => feed.accept(toEvent(log.epoch - 1, log.newest + back)),
    prune: ({ keep }) => {
      log.oldest = Math.max(log.oldest, log.newest - keep)
    },
    connect: ({ reader: index }) => pick(index).connect(feed),
    disconnect: ({ reader: index }) => pick(index).disconnect(),
    stall: ({ reader: index }) => {
      pick(index).isFull = true
    },
    unstall: ({ reader: index }) => pick(index).unstall(),
    turn,
  }
  for (const one of steps) await doing[one.do](one as never)
  return { readers, feed }
}

describe('readers of a project', () => {
  it('get every event once and in order, whatever the bus, the sockets and retention do', {
    timeout: 900_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(paddings, fc.array(step, { maxLength: 60, size: 'max' }), async (sizes, steps) => {
        const log = new Log(sizes)
        const { readers, feed } = await play(log, steps)
        for (const one of readers) {
          one.unstall()
          if (!one.isOpen || one.position === undefined) await one.connect(feed)
        }
        await feed.catchUpTo(log)
        // A restored log may end where the reader is: it is behind until it has the epoch as well.
        const isBehind = (one: Reader) => one.position !== log.newest || one.epoch !== log.epoch
        for (let turns = 0; turns < 50 && readers.some(isBehind); turns++) await turn()
        expect(readers.map(({ faults, position, epoch }) => ({ faults, position, epoch }))).toEqual(
          readers.map(() => ({ faults: [], position: log.newest, epoch: log.epoch })),
        )
        feed.close()
      }),
      histories,
    )
  })
})
