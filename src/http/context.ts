import type { CommandContext } from '#src/commands/context.ts'
import { assertAllowed, assertReaches, type Operation, type Principal } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { findProjectRole } from '#src/store/access.ts'

/** What the routes work with. */
export type HttpContext = CommandContext & { secret: string }

type Request = { principal: Principal; project_id: string; agent_id?: string; operation: Operation }

/**
 * Refuses with `not_found` an unknown project, with `forbidden` one where the principal may not do this. A
 * token of one agent reaches nothing but that agent: so routes that are about one name it.
 */
export async function authorize(
  { database }: HttpContext,
  { principal, project_id, agent_id = '', operation }: Request,
): Promise<void> {
  const found = await findProjectRole(database, principal, project_id)
  if (!found) throw notFound.project(project_id)
  assertAllowed(found.role, operation)
  assertReaches(principal, agent_id)
}
