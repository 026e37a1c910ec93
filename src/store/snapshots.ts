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
       select ${summaryColumns} from agents where project_id = $1 and id > $2 order by id limit $3 + 1
     ) limited window before as (order by id rows between unbounded preceding and 1 preceding)
   ) sized where place < $3 and (bytes is null or bytes < $4) order by id`,
)

export type ProjectSnapshot<Page> = { seq: number; epoch: number; pages: Page[] }
type Bounds = { project_id: string; page_size: number; page_bytes: number }

/**
 * All agents of a project as they are at one `seq`, page by page, each page turned into its final form as it
 * is read: at most `page_size` agents, and no more than the one that reaches `page_bytes`. Undefined where there is no
 * such project.
 */
export async function readSnapshot<Page>(
  database: Database,
  { project_id, page_size, page_bytes }: Bounds,
  toPage: (agents: AgentState[], at: { seq: number; epoch: number; last: boolean }) => Page,
): Promise<ProjectSnapshot<Page> | undefined> {
  return database.transaction(async (sql) => {
    const bounds = await readLogBounds(sql, project_id)
    if (!bounds) return undefined
    const { newest: seq, epoch } = bounds
    const pages: Page[] = []
    for (let after = NOBODY; ; ) {
      const rows = await sql.run<AgentState & { is_last: boolean }>(readPage, [
        project_id,
        after,
        page_size,
        page_bytes,
      ])
      const end = rows.at(-1)
      const last = end?.is_last ?? true
      pages.push(toPage(rows, { seq, epoch, last }))
      if (!end || last) return { seq, epoch, pages }
      after = end.id
    }
  }, 'snapshot')
}
