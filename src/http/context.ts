import type { TokenKeys } from '#src/auth/tokens.ts'
import type { CommandContext } from '#src/commands/context.ts'
import {
  assertAllowed,
  assertAllowedAnywhere,
  assertReaches,
  isProjectOperation,
  type Principal,
} from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { findProjectRole } from '#src/store/access.ts'
import type { Route } from './route.ts'
import type { OpenEventStream } from './routes/events.ts'
import type { LimitSignIn } from './sign-in-limit.ts'

/** What the routes work with. */
export type HttpContext = CommandContext & {
  keys: TokenKeys
  limitSignIn: LimitSignIn
  openEventStream: OpenEventStream
}

/**
 * Refuses with `not_found` an unknown project, with `forbidden` what the principal may not do. A token of one
 * agent reaches nothing but that agent.
 */
export async function authorize(
  { database }: HttpContext,
  route: Pick<Route, 'access'>,
  { principal, params }: { principal: Principal; params: Record<string, string> },
): Promise<void> {
  const { access } = route
  if (access === 'public') return
  if (!isProjectOperation(access)) return assertAllowedAnywhere(principal, access)
  // A project's own routes call it `id`.
  const project_id = params.project_id ?? params.id ?? ''
  const found = await findProjectRole(database, principal, project_id)
  if (!found) throw notFound.project(project_id)
  assertAllowed(found.role, access)
  assertReaches(principal, params.agent_id)
}
