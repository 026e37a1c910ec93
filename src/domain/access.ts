import { refuse } from './errors.ts'
import type { Actor } from './events.ts'

export const keyRoles = ['operator', 'viewer', 'runtime'] as const
export type KeyRole = (typeof keyRoles)[number]

/**
 * Who is asking, once the credentials are known to be good. `role` is what the wire contract calls it:
 * a user is `superuser` or `user`, a key has the role it was made with.
 */
export type Principal = {
  kind: 'user' | 'api_key' | 'runtime'
  id: string
  role: 'superuser' | 'user' | KeyRole
  /** What a key or token is confined to; undefined: nothing. */
  scope?: { project_id: string; agent_id: string | null } | undefined
}

/** What a principal is in one project; undefined: nobody. */
export type ProjectRole = 'superuser' | 'owner' | 'operator' | 'viewer' | 'runtime'

const owners = ['superuser', 'owner'] as const
const operators = [...owners, 'operator'] as const
const viewers = [...operators, 'viewer'] as const

/** What can be done in a project, and who may. A new operation without a row does not compile. */
const permitted = {
  read_project: viewers,
  watch_project: viewers,
  list_agents: viewers,
  read_agent: [...viewers, 'runtime'],
  read_metrics: viewers,
  read_signals: viewers,
  read_events: viewers,
  read_issue: viewers,
  spawn_agent: operators,
  update_agent: operators,
  control_agent: operators,
  send_signal: operators,
  write_issue: operators,
  attach_agent: [...owners, 'runtime'],
  issue_agent_token: owners,
  manage_project: owners,
} as const satisfies Record<string, readonly ProjectRole[]>

export type Operation = keyof typeof permitted

export function isAllowed(role: ProjectRole | undefined, operation: Operation): boolean {
  const roles: readonly ProjectRole[] = permitted[operation]
  return role !== undefined && roles.includes(role)
}

export function assertAllowed(role: ProjectRole | undefined, operation: Operation): void {
  if (!isAllowed(role, operation)) throw refuse('forbidden', 'You do not have access to this project')
}

/** A token of one agent reaches that agent alone. */
export function assertReaches({ scope }: Principal, agent_id: string): void {
  if (scope?.agent_id && scope.agent_id !== agent_id) {
    throw refuse('forbidden', 'You do not have access to this agent')
  }
}

export function assertSuperuser(principal: Principal): void {
  if (principal.role !== 'superuser') throw refuse('forbidden', 'Only a superuser may do this')
}

export function toActor(principal: Principal): Actor {
  return { kind: principal.kind, id: principal.id }
}
