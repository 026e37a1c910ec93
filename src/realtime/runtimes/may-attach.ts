import { assertAllowed, assertReaches, type Principal } from '#src/domain/access.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import type { ClientMessage } from '#src/protocol/messages/up.ts'
import { findProjectRole, findRoleByAgent } from '#src/store/access.ts'
import type { Sql } from '#src/store/database.ts'

/** The project of an agent that the principal may attach. Refuses with `not_found`, `forbidden`. */
export async function assertMayAttach(sql: Sql, principal: Principal, agent_id: string): Promise<string> {
  assertReaches(principal, agent_id)
  const access = await findRoleByAgent(sql, principal, agent_id)
  if (!access) throw notFound.agentAnywhere(agent_id)
  assertAllowed(access.role, 'attach_agent')
  return access.project_id
}

/** Refuses with `not_found`, `forbidden`. The token of an agent is for the children of that agent. */
export async function assertMayRegister(
  sql: Sql,
  principal: Principal,
  { project_id, parent_id }: { project_id: string; parent_id: string | null },
): Promise<void> {
  assertReaches(principal, parent_id ?? undefined)
  const access = await findProjectRole(sql, principal, project_id)
  if (!access) throw notFound.project(project_id)
  assertAllowed(access.role, 'attach_agent')
}

/** The project that a register names, or else the one that the credential belongs to. */
export function projectOf({ project_id }: ClientMessage<'register'>, { scope }: Principal): string {
  const id = project_id ?? scope?.project_id
  if (id !== undefined) return id
  throw refuse('invalid', 'Field required where the credential belongs to no one project', 'project_id')
}
