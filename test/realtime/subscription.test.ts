import { expect, it, vi } from 'vitest'
import { createUnsentBudget } from '#src/domain/unsent-budget.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import { LogPages } from '#src/realtime/feed/log-pages.ts'
import { ProjectFeed } from '#src/realtime/feed/project-feed.ts'
import { Subscription } from '#src/realtime/feed/subscription.ts'
import type { Database } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

const account = createUnsentBudget().account('Ada')
const project_id = '00000000-0000-4000-8000-000000000000'
const counts = () => ({ filled: 0, repeated: 0, lost: 0, delivered: 0 })
const toEvent = (seq: number): LoggedEvent => ({
  project_id,
  epoch: 1,
  seq,
  name: 'agent.updated',
  at: '2026-11-23T18:03:11.204Z',
  frame: `{"seq":${seq}}`,
})

function openSocket() {
  const sent: ServerMessage[] = []
  const written: string[] = []
  const write = (frames: Buffer) => void written.push(frames.toString('latin1'))
  const connection = {
    isOpen: true,
    isFull: false,
    sink: { writable: true, writableLength: 0, write },
    send: (message: ServerMessage) => void sent.push(message),
    write,
    drained: async () => {},
  }
  return { connection, sent, written }
}

it('a subscription is live once the bus has reached its snapshot', async () => {
  const database = { run: async () => [] } as unknown as Database
  const onWritten = vi.fn()
  const services = { pages: new LogPages(database), counts: counts(), onWritten }
  const feed = new ProjectFeed(project_id, { epoch: 1, newest: 4 }, services)
  const { connection, written } = openSocket()
  const hub = { release: () => {}, checkTails: async () => {}, nextTailCheck: async () => {} }
  const snapshots = {
    readStops: async () => ({ holds: [], budgets: [] }),
    read: async () => ({ seq: 6, epoch: 1, pages: [], rest: undefined }),
  }
  const subscription = new Subscription(feed, { connection, account, hub, snapshots }, () => {})
  await subscription.start({ after: undefined, epoch: undefined, id: 'a' })
  for (let seq = 5; seq <= 8; seq++) {
    feed.accept(toEvent(seq))
    await turns(2)
  }
  expect(written.map((text) => text.match(/"seq":(\d)/)?.[1])).toEqual(['7', '8'])
  expect(onWritten.mock.calls.map(([batch]) => batch.first)).toEqual([7, 8])
  subscription.stop()
  feed.close()
})

it('a subscription sends one snapshot a tail check while the log ends before the feed', async () => {
  const database = { run: async () => [] } as unknown as Database
  const services = { pages: new LogPages(database), counts: counts() }
  const feed = new ProjectFeed(project_id, { epoch: 1, newest: 9 }, services)
  const { connection, sent } = openSocket()
  let checked = () => {}
  const hub = {
    release: () => {},
    checkTails: async () => {},
    nextTailCheck: () => new Promise<void>((resolve) => (checked = resolve)),
  }
  const snapshots = {
    readStops: async () => ({ holds: [], budgets: [] }),
    read: async () => ({ seq: 5, epoch: 1, pages: [], rest: undefined }),
  }
  const subscription = new Subscription(feed, { connection, account, hub, snapshots }, () => {})
  await subscription.start({ after: undefined, epoch: undefined, id: 'a' })
  for (let checks = 0; checks < 3; checks++) {
    await turns(20)
    expect(sent).toHaveLength(checks + 1)
    checked()
  }
  subscription.stop()
  feed.close()
})

it('a full socket has to drain before a snapshot is read for it', async () => {
  const database = { run: async () => [] } as unknown as Database
  const feed = new ProjectFeed(
    project_id,
    { epoch: 1, newest: 0 },
    { pages: new LogPages(database), counts: counts() },
  )
  const { connection, sent } = openSocket()
  const drained = Promise.withResolvers<void>()
  const full = { ...connection, isFull: true, drained: () => drained.promise }
  const hub = { release: () => {}, checkTails: async () => {}, nextTailCheck: async () => {} }
  const snapshots = {
    readStops: async () => ({ holds: [], budgets: [] }),
    read: vi.fn(async () => ({ seq: 0, epoch: 1, pages: [], rest: undefined })),
  }
  const subscription = new Subscription(feed, { connection: full, account, hub, snapshots }, () => {})
  const started = subscription.start({ after: undefined, epoch: undefined, id: 'a' })
  await turns(5)
  expect(snapshots.read).not.toHaveBeenCalled()
  full.isFull = false
  drained.resolve()
  await started
  expect(sent).toMatchObject([{ type: 'subscribed', id: 'a' }])
  subscription.stop()
  feed.close()
})

it('the pages of a snapshot count until they are written or the subscription ends', async () => {
  const database = { run: async () => [] } as unknown as Database
  const feed = new ProjectFeed(
    project_id,
    { epoch: 1, newest: 0 },
    { pages: new LogPages(database), counts: counts() },
  )
  const { connection } = openSocket()
  const budget = createUnsentBudget()
  const pages = [Buffer.alloc(1_000), Buffer.alloc(500)]
  // The socket is full after each page.
  const slow = {
    ...connection,
    write: () => {
      slow.isFull = true
    },
    drained: () => next.promise,
  }
  let next = Promise.withResolvers<void>()
  const hub = { release: () => {}, checkTails: async () => {}, nextTailCheck: async () => {} }
  const snapshots = {
    readStops: async () => ({ holds: [], budgets: [] }),
    read: async () => ({ seq: 0, epoch: 1, pages, rest: undefined }),
  }
  const services = { connection: slow, account: budget.account('Ada'), hub, snapshots }
  const open = async () => {
    slow.isFull = false
    const subscription = new Subscription(feed, services, () => {})
    await subscription.start({ after: undefined, epoch: undefined, id: 'a' })
    await turns(2)
    return subscription
  }
  const subscription = await open()
  expect(budget.held()).toBe(500)
  slow.isFull = false
  next.resolve()
  next = Promise.withResolvers<void>()
  await turns(2)
  expect(budget.held()).toBe(0)
  subscription.stop()
  const ended = await open()
  expect(budget.held()).toBe(500)
  ended.stop()
  expect(budget.held()).toBe(0)
  next.resolve()
  feed.close()
})
