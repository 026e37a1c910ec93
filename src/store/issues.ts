import type { IssueStatus } from '#src/domain/issue.ts'
import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

export type IssueRow = {
  id: string
  project_id: string
  title: string
  description: string | null
  status: IssueStatus
  assigned_agent_id: string | null
  created_at: string
  updated_at: string
}

const columns = 'id, project_id, title, description, status, assigned_agent_id, created_at, updated_at'

const byId = statement('find_issue', `select ${columns} from issues where id = $1 and project_id = $2`)
const lock = statement(
  'lock_issue',
  `select ${columns} from issues where id = $1 and project_id = $2 for update`,
)
const save = statement(
  'save_issue',
  `insert into issues (${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8)
   on conflict (id) do update set title = excluded.title, description = excluded.description,
     status = excluded.status, assigned_agent_id = excluded.assigned_agent_id, updated_at = excluded.updated_at`,
)
const remove = statement('delete_issue', 'delete from issues where id = $1')

export async function findIssue(sql: Sql, project_id: string, id: string): Promise<IssueRow | undefined> {
  return (await sql.run<IssueRow>(byId, [id, project_id]))[0]
}

export async function lockIssue(sql: Sql, project_id: string, id: string): Promise<IssueRow | undefined> {
  return (await sql.run<IssueRow>(lock, [id, project_id]))[0]
}

export async function saveIssue(sql: Sql, issue: IssueRow): Promise<void> {
  await sql.run(save, [
    issue.id,
    issue.project_id,
    issue.title,
    issue.description,
    issue.status,
    issue.assigned_agent_id,
    issue.created_at,
    issue.updated_at,
  ])
}

export async function deleteIssue(sql: Sql, id: string): Promise<void> {
  await sql.run(remove, [id])
}

const list = listStatements('list_issues', {
  alias: 'i',
  from: 'issues i where i.project_id = $1 and ($2::text is null or i.status = $2)',
  parameters: 2,
  columns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'id' },
})

/** A project's issues, newest first: all, or those of a status. */
export function listIssues(
  sql: Sql,
  { project_id, status }: { project_id: string; status?: IssueStatus | undefined },
  range: PageRange,
): Promise<Listed<IssueRow>> {
  return readList<IssueRow>(sql, list, { values: [project_id, status ?? null], ...range })
}
