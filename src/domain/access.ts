import type { Actor } from './actor.ts'
import { refuse } from './errors.ts'

export const memberRoles = ['operator', 'viewer'] as const
export type MemberRole = (typeof memberRoles)[number]
export const keyRoles = [...memberRoles, 'runtime'] as const
export type KeyRole = (typeof keyRoles)[number]

/**
 * Who is asking, once the credentials are known to be good. `role` is the wire contract's: a user is `superuser` or
 * `user`, a key has the role it was made with.
 */
export type Principal = {
  kind: 'user' | 'api_key' | 'runtime'
  id: string
  role: 'superuser' | 'user' | KeyRole
  /** The sign-in that a user's token is from; undefined for keys, and for tokens of the previous release. */
  session_id?: string | undefined
  /** The user that made the key or token, which never has more rights than this user has at the moment. */
  maker?: { id: string; is_superuser: boolean } | undefined
  /** The project, and perhaps the agent, that a key or token is confined to; undefined: unconfined. */
  scope?: { project_id: string; agent_id: string | null } | undefined
}

/** What a principal is in one project; undefined where it has no access. */
export type ProjectRole = 'superuser' | 'owner' | MemberRole | 'runtime'

const owners = ['superuser', 'owner'] as const
const operators = [...owners, 'operator'] as const
const viewers = [...operators, 'viewer'] as const

/** The operations in a project, and the roles that may do them (REST contract: Who may do what). */
const permittedInProject = {
  read_project: viewers,
  watch_project: viewers,
  list_agents: [...viewers, 'runtime'],
  read_agent: [...viewers, 'runtime'],
  read_metrics: viewers,
  read_signals: viewers,
  read_events: viewers,
  read_issues: viewers,
  read_members: viewers,
  read_requests: viewers,
  read_budgets: viewers,
  read_holds: viewers,
  read_request: [...viewers, 'runtime'],
  spawn_agent: operators,
  update_agent: operators,
  control_agent: operators,
  place_hold: operators,
  send_signal: operators,
  answer_request: operators,
  write_issue: operators,
  attach_agent: [...owners, 'runtime'],
  issue_agent_token: owners,
  revoke_agent_tokens: owners,
  manage_members: owners,
  manage_keys: owners,
  manage_webhooks: owners,
  manage_budgets: owners,
  manage_project: owners,
} as const satisfies Record<string, readonly ProjectRole[]>

const users = ['superuser', 'user'] as const

/** The operations outside of projects, and the principals that may do them. */
const permittedAnywhere = {
  list_projects: [...users, 'operator', 'viewer'],
  list_requests: [...users, 'operator', 'viewer'],
  create_project: users,
  read_agent_types: [...users, 'operator', 'viewer'],
  manage_agent_types: ['superuser'],
  manage_global_holds: ['superuser'],
  read_self: users,
  update_self: users,
  manage_users: ['superuser'],
  manage_own_keys: users,
  read_audit: ['superuser'],
  ask_verdict: ['runtime'],
  steer_by_assistant: [...users, 'operator'],
} as const satisfies Record<string, readonly Principal['role'][]>

/** A new operation without a row in one of the tables does not compile. */
export type ProjectOperation = keyof typeof permittedInProject
export type GlobalOperation = keyof typeof permittedAnywhere

export function isProjectOperation(operation: string): operation is ProjectOperation {
  return Object.hasOwn(permittedInProject, operation)
}

export function isAllowed(role: ProjectRole | undefined, operation: ProjectOperation): boolean {
  const roles: readonly ProjectRole[] = permittedInProject[operation]
  return role !== undefined && roles.includes(role)
}

/** Refuses with `forbidden`. A member reads its role; the message for a stranger is the REST contract's. */
export function assertAllowed(role: ProjectRole | undefined, operation: ProjectOperation): void {
  if (role === undefined) throw refuse('forbidden', 'You do not have access to this project')
  if (!isAllowed(role, operation)) throw refuse('forbidden', lacks(role))
}

export function isAllowedAnywhere({ role }: Principal, operation: GlobalOperation): boolean {
  const roles: readonly Principal['role'][] = permittedAnywhere[operation]
  return roles.includes(role)
}

export function assertAllowedAnywhere(principal: Principal, operation: GlobalOperation): void {
  if (!isAllowedAnywhere(principal, operation)) throw refuse('forbidden', lacks(principal.role))
}

const lacks = (role: string) => `Your role (${role}) may not do this`

/** A principal's place in a project: the project's owner, and the membership of the user whose rights count. */
export type Standing = { project_id: string; owner_id: string; member_role: MemberRole | null }

/** A key has the role it was made with, and no more than its maker has. */
export function roleIn(principal: Principal, standing: Standing): ProjectRole | undefined {
  const { role, scope, maker } = principal
  if (scope && scope.project_id !== standing.project_id) return undefined
  const userRole = (id: string, is_superuser: boolean): ProjectRole | undefined =>
    is_superuser ? 'superuser' : standing.owner_id === id ? 'owner' : (standing.member_role ?? undefined)
  if (!maker) return userRole(principal.id, role === 'superuser')
  return lesserRole(role as KeyRole, userRole(maker.id, maker.is_superuser))
}

function lesserRole(role: KeyRole, makers: ProjectRole | undefined): ProjectRole | undefined {
  if (makers === undefined) return undefined
  if (role === 'runtime') return makers === 'superuser' || makers === 'owner' ? role : undefined
  return makers === 'viewer' ? 'viewer' : role
}

/** The user whose rights count: the principal itself, or the maker of a key. */
export function userBehind({ id, maker }: Principal): string {
  return maker?.id ?? id
}

/** A token of one agent reaches that agent alone. `agent_id` is the agent that the request is about, if any. */
export function assertReaches({ scope }: Principal, agent_id: string | undefined): void {
  if (scope?.agent_id && scope.agent_id !== agent_id) {
    throw refuse('forbidden', 'You do not have access to this agent')
  }
}

export function toActor(principal: Principal): Actor {
  return { kind: principal.kind, id: principal.id }
}
