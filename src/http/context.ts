import type { TokenKeys } from '#src/auth/tokens.ts'
import type { CommandContext } from '#src/commands/context.ts'
import type { WebhookContext } from '#src/commands/webhooks.ts'
import {
  assertAllowed,
  assertAllowedAnywhere,
  assertReaches,
  isProjectOperation,
  type Principal,
  roleIn,
  type Standing,
} from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import type { Route } from './route.ts'
import type { OpenEventStream } from './routes/events.ts'
import type { LimitSignIn } from './sign-in-limit.ts'

/** What the routes work with. */
export type HttpContext = CommandContext & {
  keys: TokenKeys
  isAllowedAddress: WebhookContext['isAllowedAddress']
  limitSignIn: LimitSignIn
  openEventStream: OpenEventStream
}

/** Which path parameter names the project that a route's operation is about; a project's own routes call it `id`. */
export function projectParam({ access, path }: Pick<Route, 'access' | 'path'>): string | undefined {
  if (!isProjectOperation(access)) return undefined
  return path.includes('{project_id}') ? 'project_id' : 'id'
}

type Asked = { principal: Principal; standing: Standing | undefined; params: Record<string, string> }

/**
 * Refuses with `not_found` an unknown project, with `forbidden` what the principal may not do. A token of one
 * agent reaches nothing but that agent.
 */
export function authorize(
  route: Pick<Route, 'access' | 'path'>,
  { principal, standing, params }: Asked,
): void {
  const { access } = route
  if (access === 'public') return
  if (!isProjectOperation(access)) return assertAllowedAnywhere(principal, access)
  if (!standing) throw notFound.project(params[projectParam(route) ?? ''] ?? '')
  assertAllowed(roleIn(principal, standing), access)
  assertReaches(principal, params.agent_id)
}
