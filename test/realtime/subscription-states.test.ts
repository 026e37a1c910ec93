import { afterEach, describe, expect, it } from 'vitest'
import { createUnsentBudget } from '#src/domain/unsent-budget.ts'
import { LogPages } from '#src/realtime/feed/log-pages.ts'
import { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import { Subscription } from '#src/realtime/feed/subscription.ts'
import { type SubscriptionState, subscriptionSuccessors } from '#src/realtime/feed/subscription-state.ts'
import type { Database } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import type { SnapshotPart } from '#src/store/snapshots.ts'
import { newsOf } from '../bus/processes.ts'

type Name = SubscriptionState['name']

const project_id = '00000000-0000-4000-8000-000000000000'
const toEvent = (seq: number) => newsOf(project_id, seq)
const settle = async () => {
  for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve))
}

/** A subscription to a project whose feed stands at 4 and whose log has every event up to there. */
function openStage() {
  const log: LoggedEvent[] = [1, 2, 3, 4].map(toEvent)
  const database = {
    run: async (_statement: unknown, [, after]: readonly [string, number]) =>
      log.filter(({ seq }) => seq > after),
  } as unknown as Database
  const counts = { filled: 0, repeated: 0, lost: 0, delivered: 0 }
  const feed = new ProjectFeed(project_id, { epoch: 1, newest: 4 }, { pages: new LogPages(database), counts })
  const socket = { waiting: [] as (() => void)[] }
  const write = () => {}
  const sink = { writable: true, writableLength: 0, write }
  const connection = {
    isOpen: true,
    isFull: false,
    sink,
    send: () => {},
    write,
    drained: () => new Promise<void>((resolve) => socket.waiting.push(resolve)),
  }
  const snapshots = {
    /** What the next reads find. */
    parts: [] as SnapshotPart<Buffer>[],
    readStops: async () => ({ holds: [], budgets: [] }),
    read: () => {
      const part = snapshots.parts.shift()
      return part ? Promise.resolve(part) : new Promise<SnapshotPart<Buffer>>(() => {})
    },
  }
  const hub = { release: () => {}, checkTails: async () => {}, nextTailCheck: async () => {} }
  const account = createUnsentBudget().account('Ada')
  const subscription = new Subscription(feed, { connection, account, hub, snapshots }, () => {})
  const block = () => {
    connection.isFull = true
    sink.writableLength = 2 ** 30
  }
  const drain = () => {
    connection.isFull = false
    sink.writableLength = 0
    for (const resume of socket.waiting.splice(0)) resume()
  }
  const start = (after?: number) => void subscription.start({ after, epoch: 1, id: undefined })
  return { feed, subscription, connection, snapshots, block, drain, start }
}
type Stage = ReturnType<typeof openStage>

const page = Buffer.from('page')
const snapshotAt = (seq: number): SnapshotPart<Buffer> => ({ seq, epoch: 1, pages: [page], rest: undefined })
const rest = { after: 'an agent' } as unknown as NonNullable<SnapshotPart<Buffer>['rest']>

/** Brings a new subscription into each state. */
const ways: Record<Name, (stage: Stage) => void> = {
  starting: ({ start }) => start(),
  snapshot: ({ start, snapshots, connection, block }) => {
    snapshots.parts = [{ ...snapshotAt(4), rest }]
    connection.write = block
    start()
  },
  log: ({ start, block }) => {
    block()
    start(4)
  },
  ahead: ({ start, snapshots }) => {
    snapshots.parts = [snapshotAt(6)]
    start()
  },
  live: ({ start }) => start(4),
  ended: ({ subscription }) => subscription.stop(),
}

const stop = ({ subscription }: Stage) => subscription.stop()
const renewEpoch = ({ feed }: Stage) => void feed.catchUpTo({ epoch: 2, newest: 2 })
const fillThenHear = ({ feed, block }: Stage) => {
  block()
  feed.accept(toEvent(5))
}

type Step = { when: string; step: (stage: Stage) => void; to: Name }

const transitions: Record<Name, Step[]> = {
  starting: [
    {
      when: 'its snapshot is read, and its socket is full after the first page',
      step: (stage) => ways.snapshot(stage),
      to: 'snapshot',
    },
    { when: 'it can resume, and its socket is full', step: (stage) => ways.log(stage), to: 'log' },
    { when: 'it is stopped', step: stop, to: 'ended' },
  ],
  snapshot: [
    {
      when: 'its socket drains, and the next part fills it again',
      step: ({ snapshots, drain }) => {
        snapshots.parts = [{ ...snapshotAt(4), rest }]
        drain()
      },
      to: 'snapshot',
    },
    {
      when: 'its last part is empty, and an event has come that it has to read',
      step: ({ snapshots, connection, feed, drain }) => {
        feed.accept(toEvent(5))
        snapshots.parts = [{ ...snapshotAt(4), pages: [] }]
        feed.read = () => new Promise(() => {})
        connection.write = () => {}
        drain()
      },
      to: 'log',
    },
    { when: 'it is stopped', step: stop, to: 'ended' },
  ],
  log: [
    { when: 'its socket drains at the end of the log', step: ({ drain }) => drain(), to: 'live' },
    {
      when: 'the project has a new epoch, and its snapshot fills the socket',
      step: (stage) => {
        renewEpoch(stage)
        stage.snapshots.parts = [{ ...snapshotAt(2), epoch: 2, rest }]
        stage.connection.write = stage.block
        stage.drain()
      },
      to: 'snapshot',
    },
    {
      when: 'its new snapshot is newer than the feed',
      step: (stage) => {
        renewEpoch(stage)
        stage.snapshots.parts = [{ ...snapshotAt(3), epoch: 2 }]
        stage.drain()
      },
      to: 'ahead',
    },
    { when: 'it is stopped', step: stop, to: 'ended' },
  ],
  ahead: [
    {
      when: 'the feed comes to the number of its snapshot',
      step: ({ feed }) => {
        for (const seq of [5, 6]) feed.accept(toEvent(seq))
      },
      to: 'live',
    },
    { when: 'an event comes while its socket is full', step: fillThenHear, to: 'log' },
    {
      when: 'the project gets a new epoch',
      step: renewEpoch,
      to: 'log',
    },
    { when: 'it is stopped', step: stop, to: 'ended' },
  ],
  live: [
    { when: 'an event comes while its socket is full', step: fillThenHear, to: 'log' },
    { when: 'the project gets a new epoch', step: renewEpoch, to: 'log' },
    { when: 'it is stopped', step: stop, to: 'ended' },
  ],
  ended: [{ when: 'it is stopped again', step: stop, to: 'ended' }],
}

const names = Object.keys(ways) as Name[]

describe('the states of a subscription', () => {
  const stages: Stage[] = []
  afterEach(() => {
    for (const { subscription, feed } of stages.splice(0)) {
      subscription.stop()
      feed.close()
    }
  })

  const rows = names.flatMap((from) => transitions[from].map((row) => ({ from, ...row })))

  it.each(rows)('when a subscription is $from and $when, it is $to', async ({ from, step, to }) => {
    const stage = openStage()
    stages.push(stage)
    ways[from](stage)
    await settle()
    expect(stage.subscription.state).toBe(from)
    step(stage)
    await settle()
    expect(stage.subscription.state).toBe(to)
  })

  it('these rows take every way that the table of states allows', () => {
    for (const from of names.filter((name) => name !== 'ended')) {
      const reached = new Set(transitions[from].map(({ to }) => to))
      expect(reached, from).toEqual(new Set(subscriptionSuccessors[from]))
    }
  })
})
