import { toAgentSummary } from '#src/domain/agent.ts'
import type { ServerMessage } from '#src/protocol/frames.ts'
import type { Database } from '#src/store/database.ts'
import { type ProjectSnapshot, readSnapshot } from '#src/store/snapshots.ts'
import { toTextFrame } from './event-batch.ts'

/** Of one frame: the page ends with the agent that reaches either. */
const PAGE_SIZE = 500
const PAGE_BYTES = 1024 * 1024

/** Snapshots of projects as frames. Those who ask for one while it is being read get the same one. */
export class Snapshots {
  readonly #database: Database
  readonly #reading = new Map<string, Promise<ProjectSnapshot<Buffer> | undefined>>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Undefined: no such project. */
  read(project_id: string): Promise<ProjectSnapshot<Buffer> | undefined> {
    let reading = this.#reading.get(project_id)
    if (!reading) {
      reading = readSnapshot(
        this.#database,
        { project_id, page_size: PAGE_SIZE, page_bytes: PAGE_BYTES },
        (agents, { seq, epoch, last }) => {
          const page: ServerMessage = {
            type: 'snapshot',
            project_id,
            seq,
            epoch,
            agents: agents.map(toAgentSummary),
            last,
          }
          return toTextFrame(JSON.stringify(page))
        },
      ).finally(() => this.#reading.delete(project_id))
      this.#reading.set(project_id, reading)
    }
    return reading
  }
}
