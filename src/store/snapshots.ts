import type { AgentState } from '#src/domain/agent.ts'
import { summaryColumns } from './agents.ts'
import { type Database, statement } from './database.ts'
import { readLogBounds } from './events.ts'

/** Before every id. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** What others have written of an agent, as long as it is in JSON; the rest is under 1 KB, and not worth its time here. */
const bytes = `octet_length(to_json(concat(
  name, current_task, long_term_memory_ref, session_id, control->>'reason', agent_type_name, project_name))::text)`

// One agent more than a page takes is looked at, so that the last of a page knows whether it is the project's.
const readPage = statement(
  'snapshot_page',
  `select ${summaryColumns}, is_last from (
     select limited.*, lead(id) over before is null as is_last, count(*) over before as place,
       sum(${bytes}) over before as bytes
     from (
       select ${summaryColumns} from agents where project_id = $1 and id > $2 and seq <= $5
       order by id limit $3 + 1
     ) limited window before as (order by id rows between unbounded preceding and 1 preceding)
   ) sized where place < $3 and (bytes is null or bytes < $4) order by id`,
)

/** Where a snapshot goes on: after which agent. */
export type SnapshotRest = { seq: number; epoch: number; after: string }
/** `rest`: where there is more of it than one part takes. */
export type SnapshotPart<Page> = { seq: number; epoch: number; pages: Page[]; rest: SnapshotRest | undefined }
type Bounds = { project_id: string; page_size: number; page_bytes: number; part_bytes: number }
/** `last`: of the whole snapshot. */
export type SnapshotPlace = { seq: number; epoch: number; last: boolean }

/**
 * The agents of a project as they are at one `seq`, page by page, each page turned into its final form as it is read: at
 * most `page_size` agents, and no more than the one that reaches `page_bytes`. What is over `part_bytes` is to be read
 * as the rest, later, without the agents that have changed meanwhile: an event after `seq` has the whole of each. A
 * part in another epoch than its rest is of another history. Undefined where there is no such project.
 */
export async function readSnapshot<Page extends { length: number }>(
  database: Database,
  { project_id, page_size, page_bytes, part_bytes }: Bounds,
  {
    toPage,
    rest,
  }: { toPage: (agents: AgentState[], at: SnapshotPlace) => Page; rest?: SnapshotRest | undefined },
): Promise<SnapshotPart<Page> | undefined> {
  return database.transaction(async (sql) => {
    const bounds = await readLogBounds(sql, project_id)
    if (!bounds) return undefined
    const { epoch } = bounds
    const seq = rest?.seq ?? bounds.newest
    const pages: Page[] = []
    let after = rest?.after ?? NOBODY
    for (let size = 0; size < part_bytes; size += pages.at(-1)?.length ?? 0) {
      const values = [project_id, after, page_size, page_bytes, seq]
      const rows = await sql.run<AgentState & { is_last: boolean }>(readPage, values)
      const end = rows.at(-1)
      const last = end?.is_last ?? true
      pages.push(toPage(rows, { seq, epoch, last }))
      if (!end || last) return { seq, epoch, pages, rest: undefined }
      after = end.id
    }
    return { seq, epoch, pages, rest: { seq, epoch, after } }
  }, 'snapshot')
}
