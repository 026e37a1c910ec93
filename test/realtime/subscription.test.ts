import { expect, it, vi } from 'vitest'
import type { ServerMessage } from '#src/protocol/frames.ts'
import { LogPages } from '#src/realtime/log-pages.ts'
import { ProjectFeed } from '#src/realtime/project-feed.ts'
import { Subscription } from '#src/realtime/subscription.ts'
import type { Database } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

const project_id = '00000000-0000-4000-8000-000000000000'
const counts = () => ({ filled: 0, repeated: 0, lost: 0, delivered: 0 })
const toEvent = (seq: number): LoggedEvent => ({ project_id, epoch: 1, seq, frame: `{"seq":${seq}}` })

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

it('is one of the live sockets once the bus has come to where its snapshot was', async () => {
  const database = { run: async () => [] } as unknown as Database
  const onWritten = vi.fn()
  const parts = { pages: new LogPages(database), counts: counts(), onWritten }
  const feed = new ProjectFeed(project_id, { epoch: 1, newest: 4 }, parts)
  const { connection, written } = openSocket()
  const hub = { release: () => {}, checkTails: async () => {}, nextTailCheck: async () => {} }
  const snapshots = { read: async () => ({ seq: 6, epoch: 1, pages: [], rest: undefined }) }
  const subscription = new Subscription(feed, { connection, hub, snapshots }, () => {})
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

it('sends one snapshot a tail check, where the log ends before what was announced', async () => {
  const database = { run: async () => [] } as unknown as Database
  const parts = { pages: new LogPages(database), counts: counts() }
  const feed = new ProjectFeed(project_id, { epoch: 1, newest: 9 }, parts)
  const { connection, sent } = openSocket()
  let checked = () => {}
  const hub = {
    release: () => {},
    checkTails: async () => {},
    nextTailCheck: () => new Promise<void>((resolve) => (checked = resolve)),
  }
  const snapshots = { read: async () => ({ seq: 5, epoch: 1, pages: [], rest: undefined }) }
  const subscription = new Subscription(feed, { connection, hub, snapshots }, () => {})
  await subscription.start({ after: undefined, epoch: undefined, id: 'a' })
  for (let checks = 0; checks < 3; checks++) {
    await turns(20)
    expect(sent).toHaveLength(checks + 1)
    checked()
  }
  subscription.stop()
  feed.close()
})
