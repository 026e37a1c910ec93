import type { AgentState } from '#src/domain/agent.ts'
import { summaryColumns } from './agents.ts'
import { type Database, statement } from './database.ts'
import { readLogBounds } from './events.ts'

const first = statement(
  'snapshot_first',
  `select ${summaryColumns} from agents where project_id = $1 order by id limit $2`,
)
const next = statement(
  'snapshot_next',
  `select ${summaryColumns} from agents where project_id = $1 and id > $2 order by id limit $3`,
)

export type ProjectSnapshot<Page> = { seq: number; epoch: number; pages: Page[] }

/**
 * All agents of a project as they are at one `seq`, page by page, each page turned into its final form as it
 * is read. Undefined where there is no such project.
 */
export async function readSnapshot<Page>(
  database: Database,
  { project_id, page_size }: { project_id: string; page_size: number },
  toPage: (agents: AgentState[], at: { seq: number; epoch: number; last: boolean }) => Page,
): Promise<ProjectSnapshot<Page> | undefined> {
  return database.transaction(async (sql) => {
    const bounds = await readLogBounds(sql, project_id)
    if (!bounds) return undefined
    const { newest: seq, epoch } = bounds
    const pages: Page[] = []
    let rows = await sql.run<AgentState>(first, [project_id, page_size])
    for (;;) {
      const end = rows.at(-1)
      const following =
        end && rows.length === page_size
          ? await sql.run<AgentState>(next, [project_id, end.id, page_size])
          : []
      pages.push(toPage(rows, { seq, epoch, last: following.length === 0 }))
      if (following.length === 0) return { seq, epoch, pages }
      rows = following
    }
  }, 'snapshot')
}
