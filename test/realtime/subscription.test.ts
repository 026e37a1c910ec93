import { expect, it } from 'vitest'
import type { ServerMessage } from '#src/protocol/frames.ts'
import { LogPages } from '#src/realtime/log-pages.ts'
import { ProjectFeed } from '#src/realtime/project-feed.ts'
import { Subscription } from '#src/realtime/subscription.ts'
import type { Database } from '#src/store/database.ts'

const turns = async (count: number) => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

it('sends one snapshot a tail check, where the log ends before what was announced', async () => {
  const database = { run: async () => [] } as unknown as Database
  const feed = new ProjectFeed(
    '00000000-0000-4000-8000-000000000000',
    { epoch: 1, newest: 9 },
    { pages: new LogPages(database), counts: { filled: 0, repeated: 0, lost: 0, delivered: 0 } },
  )
  const sent: ServerMessage[] = []
  const connection = {
    isOpen: true,
    isFull: false,
    sink: { writable: true, writableLength: 0, write: () => {} },
    send: (message: ServerMessage) => void sent.push(message),
    write: () => {},
    drained: async () => {},
  }
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
