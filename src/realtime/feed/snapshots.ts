import { type AgentState, toAgentSummary } from '#src/domain/agent.ts'
import { SMALLEST_WRITE_BYTES, type UnsentAccount } from '#src/domain/unsent-budget.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import { SNAPSHOT_PAGE_AGENTS, SNAPSHOT_PAGE_BYTES, SNAPSHOT_PART_BYTES } from '#src/realtime/bounds.ts'
import type { Database } from '#src/store/database.ts'
import {
  readSnapshot,
  type SnapshotPart,
  type SnapshotPlace,
  type SnapshotRest,
} from '#src/store/snapshots.ts'
import { readStops, type Stops } from '#src/store/stops.ts'
import { toTextFrame } from './event-batch.ts'

const bounds = {
  page_size: SNAPSHOT_PAGE_AGENTS,
  page_bytes: SNAPSHOT_PAGE_BYTES,
  part_bytes: SNAPSHOT_PART_BYTES,
}

/** Snapshots of projects as frames, in parts. Watchers that ask during a read share its result. */
export class Snapshots {
  readonly #database: Database
  readonly #bounds: typeof bounds
  readonly #reading = new Map<string, Promise<SnapshotPart<Buffer> | undefined>>()

  constructor(database: Database, overrides: Partial<typeof bounds> = {}) {
    this.#database = database
    this.#bounds = { ...bounds, ...overrides }
  }

  /** What a reader that resumes needs beside the log. */
  readStops(project_id: string): Promise<Stops> {
    return readStops(this.#database, project_id)
  }

  /** The first part of a snapshot, or the next part at `rest`. Undefined: no such project. */
  read(
    project_id: string,
    { account, rest }: { account: UnsentAccount; rest?: SnapshotRest | undefined },
  ): Promise<SnapshotPart<Buffer> | undefined> {
    const key = `${project_id} ${rest?.epoch} ${rest?.seq} ${rest?.after}`
    let reading = this.#reading.get(key)
    if (!reading) {
      const toPage = (agents: AgentState[], { seq, epoch, last }: SnapshotPlace) => {
        const page: ServerMessage = {
          type: 'snapshot',
          project_id,
          seq,
          epoch,
          agents: agents.map(toAgentSummary),
          last,
        }
        return toTextFrame(JSON.stringify(page))
      }
      const { page_size, page_bytes, part_bytes } = this.#bounds
      const room = Math.max(account.room(), SMALLEST_WRITE_BYTES)
      const part = Math.min(part_bytes, room)
      const bounds = { page_size, page_bytes: Math.min(page_bytes, room), part_bytes: part }
      // Counted from the start, so that many simultaneous requests do not read too much at once.
      const release = account.hold(part)
      reading = readSnapshot(this.#database, { project_id, ...bounds }, { toPage, rest }).finally(() => {
        release()
        this.#reading.delete(key)
      })
      this.#reading.set(key, reading)
    }
    return reading
  }
}
