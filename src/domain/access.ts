import { refuse } from './errors.ts'
import type { Actor } from './events.ts'

/**
 * Who is asking, once the credentials are known to be good. `role` is what the wire contract calls it:
 * a user is `superuser` or `user`, a key has the role it was made with.
 */
export type Principal = {
  kind: 'user' | 'api_key' | 'runtime'
  id: string
  role: 'superuser' | 'user' | 'operator' | 'viewer' | 'runtime'
}

/** What a principal is in one project; undefined: nobody. */
export type ProjectRole = 'superuser' | 'owner' | 'operator' | 'viewer'

/** What can be done in a project, and the least role that may. A new operation without a row does not compile. */
const leastRole = {
  read_project: 'viewer',
  watch_project: 'viewer',
  read_agent: 'viewer',
  read_events: 'viewer',
  read_issue: 'viewer',
  spawn_agent: 'operator',
  update_agent: 'operator',
  control_agent: 'operator',
  write_issue: 'operator',
  manage_project: 'owner',
} as const satisfies Record<string, ProjectRole>

export type Operation = keyof typeof leastRole

const rank: Record<ProjectRole, number> = { viewer: 0, operator: 1, owner: 2, superuser: 3 }

export function isAllowed(role: ProjectRole | undefined, operation: Operation): boolean {
  return role !== undefined && rank[role] >= rank[leastRole[operation]]
}

export function assertAllowed(role: ProjectRole | undefined, operation: Operation): void {
  if (!isAllowed(role, operation)) throw refuse('forbidden', 'You do not have access to this project')
}

export function assertSuperuser(principal: Principal): void {
  if (principal.role !== 'superuser') throw refuse('forbidden', 'Only a superuser may do this')
}

export function toActor(principal: Principal): Actor {
  return { kind: principal.kind, id: principal.id }
}
