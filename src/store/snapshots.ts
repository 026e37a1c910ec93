import type { AgentState } from '#src/domain/agent.ts'
import { LOWEST_ID } from '#src/domain/id.ts'
import { longTexts, summaryColumns } from './agents.ts'
import { type Database, statement } from './database.ts'
import { readLogBounds } from './events.ts'
import { readStops, type Stops } from './stops.ts'

/** An estimate of an agent's size as JSON: that of its long texts. */
const bytes = `octet_length(to_json(concat(${longTexts.join(', ')}))::text)`

// Reads one agent more than a page takes, so that the last row of a page shows whether the project has more.
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

/** Where a snapshot continues: after which agent. */
export type SnapshotRest = { seq: number; epoch: number; after: string }
/** `rest` is set if the snapshot has more than one part takes. Only the first part has `stops`, as of its `seq`. */
export type SnapshotPart<Page> = {
  seq: number
  epoch: number
  pages: Page[]
  rest: SnapshotRest | undefined
  stops?: Stops | undefined
}
type Bounds = { project_id: string; page_size: number; page_bytes: number; part_bytes: number }
/** `last`: it is the last page of the whole snapshot. */
export type SnapshotPlace = { seq: number; epoch: number; last: boolean }

/**
 * The agents of a project at one `seq`, page by page, each page turned into its final form as it is read. A page has at most
 * `page_size` agents, and ends with the one that reaches `page_bytes`. Beyond `part_bytes` the caller reads the rest later.
 * The rest leaves out agents that have changed since, because an event after `seq` has the whole of each. If the rest comes
 * back in another epoch, it belongs to another history. Undefined for an unknown project.
 */
export async function readSnapshot<Page extends { length: number }>(
  database: Pick<Database, 'snapshot'>,
  { project_id, page_size, page_bytes, part_bytes }: Bounds,
  {
    toPage,
    rest,
  }: { toPage: (agents: AgentState[], at: SnapshotPlace) => Page; rest?: SnapshotRest | undefined },
): Promise<SnapshotPart<Page> | undefined> {
  return database.snapshot(async (sql) => {
    const bounds = await readLogBounds(sql, project_id)
    if (!bounds) return undefined
    const { epoch } = bounds
    const seq = rest?.seq ?? bounds.newest
    const stops = rest ? undefined : await readStops(sql, project_id)
    const pages: Page[] = []
    let after = rest?.after ?? LOWEST_ID
    for (let size = 0; size < part_bytes; size += pages.at(-1)?.length ?? 0) {
      const values = [project_id, after, page_size, page_bytes, seq]
      const rows = await sql.run<AgentState & { is_last: boolean }>(readPage, values)
      const end = rows.at(-1)
      const last = end?.is_last ?? true
      pages.push(toPage(rows, { seq, epoch, last }))
      if (!end || last) return { seq, epoch, pages, rest: undefined, stops }
      after = end.id
    }
    return { seq, epoch, pages, rest: { seq, epoch, after }, stops }
  })
}
