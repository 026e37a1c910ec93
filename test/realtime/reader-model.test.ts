import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ServerMessage } from '#src/protocol/frames.ts'
import { type FrameSink, PARK_BYTES } from '#src/realtime/live-sockets.ts'
import { LogPages } from '#src/realtime/log-pages.ts'
import { ProjectFeed } from '#src/realtime/project-feed.ts'
import { type Outlet, Subscription } from '#src/realtime/subscription.ts'
import type { Database } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'

/**
 * A model of the log, a bus that loses, repeats and reorders, backups that are restored, and readers that come, stall
 * and go: whatever the order of steps, every reader ends with each seq after its start once, in order, in one epoch.
 */
const project_id = '00000000-0000-4000-8000-000000000000'

const toEvent = (epoch: number, seq: number): LoggedEvent => ({
  project_id,
  epoch,
  seq,
  frame: `{"seq":${seq},"epoch":${epoch}}`,
})

/** The part of the database that feeds use: the log. */
class Log {
  epoch = 1
  newest = 0
  oldest = 1

  event(seq: number): LoggedEvent {
    return toEvent(this.epoch, seq)
  }

  readonly database = {
    run: async (_statement: unknown, values: readonly unknown[]) => {
      const [, after, limit] = values as [string, number, number]
      const from = Math.max(after + 1, this.oldest)
      const count = Math.max(0, Math.min(limit, this.newest - from + 1))
      return Array.from({ length: count }, (_, index) => this.event(from + index))
    },
  } as unknown as Database
}

class Reader implements Outlet, FrameSink {
  isOpen = true
  isFull = false
  readonly sink = this
  /** Everything received over all connections; a snapshot stands for all before it. */
  position: number | undefined
  epoch = 1
  readonly faults: string[] = []
  #subscription: Subscription | undefined
  #resume: (() => void)[] = []

  get writable(): boolean {
    return this.isOpen
  }

  get writableLength(): number {
    return this.isFull ? PARK_BYTES + 1 : 0
  }

  async connect(feed: ProjectFeed, log: Log): Promise<void> {
    this.disconnect()
    this.isOpen = true
    const hub = {
      release: () => {},
      checkTails: () => feed.catchUpTo(log),
      nextTailCheck: turn,
    }
    const snapshots = { read: async () => ({ seq: log.newest, epoch: log.epoch, pages: [] }) }
    this.#subscription = new Subscription(feed, { connection: this, hub, snapshots }, () => {})
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
const numRuns = Number(process.env.FUZZ_RUNS ?? 1500)

async function play(steps: Step[]): Promise<{ log: Log; readers: Reader[]; feed: ProjectFeed }> {
  const log = new Log()
  const feed = new ProjectFeed(
    project_id,
    { epoch: 1, newest: 0 },
    {
      pages: new LogPages(log.database),
      counts: { filled: 0, repeated: 0, lost: 0, delivered: 0 },
      onAhead: () => void feed.catchUpTo(log),
    },
  )
  const readers = [new Reader(), new Reader(), new Reader()]
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
    // News of a history that is over.
    belated: ({ back }) => feed.accept(toEvent(log.epoch - 1, log.newest + back)),
    prune: ({ keep }) => {
      log.oldest = Math.max(log.oldest, log.newest - keep)
    },
    connect: ({ reader: index }) => pick(index).connect(feed, log),
    disconnect: ({ reader: index }) => pick(index).disconnect(),
    stall: ({ reader: index }) => {
      pick(index).isFull = true
    },
    unstall: ({ reader: index }) => pick(index).unstall(),
    turn,
  }
  for (const one of steps) await doing[one.do](one as never)
  return { log, readers, feed }
}

describe('readers of a project', () => {
  it('get every event once, in order, whatever the bus, the sockets and retention do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const { log, readers, feed } = await play(steps)
        for (const one of readers) {
          one.unstall()
          if (!one.isOpen || one.position === undefined) await one.connect(feed, log)
        }
        await feed.catchUpTo(log)
        // A restored log may end where the reader is: it is behind until it has heard of the epoch as well.
        const isBehind = (one: Reader) => one.position !== log.newest || one.epoch !== log.epoch
        for (let turns = 0; turns < 50 && readers.some(isBehind); turns++) await turn()
        expect(readers.map(({ faults, position, epoch }) => ({ faults, position, epoch }))).toEqual(
          readers.map(() => ({ faults: [], position: log.newest, epoch: log.epoch })),
        )
        feed.close()
      }),
      { numRuns },
    )
  })
})
