import { type AgentState, toAgentSummary } from '#src/domain/agent.ts'
import type { ServerMessage } from '#src/protocol/frames.ts'
import type { Database } from '#src/store/database.ts'
import {
  readSnapshot,
  type SnapshotPart,
  type SnapshotPlace,
  type SnapshotRest,
} from '#src/store/snapshots.ts'
import { toTextFrame } from './event-batch.ts'

/** Of one frame: the page ends with the agent that reaches either. */
const PAGE_SIZE = 500
const PAGE_BYTES = 1024 * 1024
/** Of what a slow watcher holds: some 10,000 agents. What is more is read as its socket takes it. */
const PART_BYTES = 8 * 1024 * 1024

const bounds = { page_size: PAGE_SIZE, page_bytes: PAGE_BYTES, part_bytes: PART_BYTES }

/** Snapshots of projects as frames, in parts. Those who ask for one while it is being read get the same one. */
export class Snapshots {
  readonly #database: Database
  readonly #bounds: typeof bounds
  readonly #reading = new Map<string, Promise<SnapshotPart<Buffer> | undefined>>()

  constructor(database: Database, own: Partial<typeof bounds> = {}) {
    this.#database = database
    this.#bounds = { ...bounds, ...own }
  }

  /** The beginning, or the rest of one that was begun. Undefined: no such project. */
  read(project_id: string, rest?: SnapshotRest): Promise<SnapshotPart<Buffer> | undefined> {
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
      reading = readSnapshot(this.#database, { project_id, ...this.#bounds }, { toPage, rest }).finally(() =>
        this.#reading.delete(key),
      )
      this.#reading.set(key, reading)
    }
    return reading
  }
}
