import type { MemberRole } from '#src/domain/access.ts'
import { type Sql, statement } from './database.ts'
import { type Listed, listStatements, type PageRange, readList } from './page.ts'

/** A member of a project, with the user's name: the Member of the wire contract. */
export type Member = {
  user_id: string
  email: string
  full_name: string | null
  role: MemberRole
  created_at: string
  updated_at: string
}

const columns = 'm.user_id, u.email, u.full_name, m.role, m.created_at, m.updated_at'

const save = statement(
  'save_member',
  `with m as (
     insert into project_members (project_id, user_id, role, created_at, updated_at) values ($1, $2, $3, $4, $4)
     on conflict (project_id, user_id) do update set role = excluded.role, updated_at = excluded.updated_at
     returning *
   ) select ${columns} from m join users u on u.id = m.user_id`,
)

export async function saveMember(
  sql: Sql,
  { project_id, user_id, role, now }: { project_id: string; user_id: string; role: MemberRole; now: string },
): Promise<Member> {
  const [member] = await sql.run<Member>(save, [project_id, user_id, role, now])
  if (!member) throw new Error('a member was not saved')
  return member
}

const remove = statement(
  'delete_member',
  'delete from project_members where project_id = $1 and user_id = $2 returning user_id',
)

/** False: there was no such member. */
export async function deleteMember(sql: Sql, project_id: string, user_id: string): Promise<boolean> {
  return (await sql.run(remove, [project_id, user_id])).length > 0
}

const list = listStatements('list_members', {
  alias: 'm',
  from: 'project_members m join users u on u.id = m.user_id where m.project_id = $1',
  parameters: 1,
  columns,
  newest: { by: 'created_at', type: 'timestamptz', id: 'user_id' },
})

/** A project's members, newest first. */
export function listMembers(sql: Sql, project_id: string, range: PageRange): Promise<Listed<Member>> {
  return readList<Member>(sql, list, { values: [project_id], ...range })
}
