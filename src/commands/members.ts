import { type MemberRole, type Principal, toActor } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { writeAudit } from '#src/store/audit.ts'
import { deleteMember, type Member, saveMember } from '#src/store/members.ts'
import { findProject } from '#src/store/projects.ts'
import { findAccount, findUser } from '#src/store/users.ts'
import type { CommandContext } from './context.ts'

type Target = { project_id: string; user_id: string; principal: Principal }

/** REST `set_member`: adds a member or changes its role. Refuses the owner, who has all rights. */
export function setMember(
  { database, clock }: Pick<CommandContext, 'database' | 'clock'>,
  { project_id, user_id, principal }: Target,
  role: MemberRole,
): Promise<Member> {
  return database.transaction(async (sql) => {
    const project = await findProject(sql, project_id)
    if (!project) throw notFound.project(project_id)
    if (project.owner_id === user_id)
      throw refuse('conflict', 'The owner of a project is not a member of it', 'user_id')
    if (!(await findUser(sql, user_id))) throw notFound.user(user_id)
    const member = await saveMember(sql, { project_id, user_id, role, now: clock() })
    const target = { actor: toActor(principal), target_id: user_id, project_id }
    await writeAudit(sql, { action: 'member_set', ...target, details: { role } })
    return member
  })
}

/** REST `add_member`: as `setMember`, for owners, who may not list the users. */
export async function addMember(
  context: Pick<CommandContext, 'database' | 'clock'>,
  { project_id, email, principal }: Omit<Target, 'user_id'> & { email: string },
  role: MemberRole,
): Promise<Member> {
  const user = await findAccount(context.database, { email })
  if (!user) throw notFound.userByEmail()
  return setMember(context, { project_id, user_id: user.id, principal }, role)
}

/** REST `remove_member`. Takes effect on open connections within 5 s. */
export async function removeMember(
  { database }: Pick<CommandContext, 'database'>,
  { project_id, user_id, principal }: Target,
): Promise<void> {
  await database.transaction(async (sql) => {
    if (!(await deleteMember(sql, project_id, user_id))) throw notFound.member(user_id, project_id)
    await writeAudit(sql, {
      action: 'member_removed',
      actor: toActor(principal),
      target_id: user_id,
      project_id,
    })
  })
}
