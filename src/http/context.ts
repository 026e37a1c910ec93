import type { CommandContext } from '#src/commands/context.ts'
import { assertAllowed, type Operation, type Principal } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { findProjectRole } from '#src/store/access.ts'

/** What the routes work with. */
export type HttpContext = CommandContext & { secret: string }

/** Refuses with `not_found` an unknown project, with `forbidden` one where the principal may not do this. */
export async function authorize(
  { database }: HttpContext,
  { principal, project_id, operation }: { principal: Principal; project_id: string; operation: Operation },
): Promise<void> {
  const found = await findProjectRole(database, principal, project_id)
  if (!found) throw notFound.project(project_id)
  assertAllowed(found.role, operation)
}
