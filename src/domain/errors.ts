/**
 * Every kind of refusal, with its code in the wire contract. The edges translate a kind into an HTTP status or a frame;
 * the domain knows neither.
 */
export const errorCodes = {
  invalid: 'VAL_001',
  not_json: 'VAL_006',
  too_large: 'VAL_006',
  wrong_media_type: 'VAL_006',
  no_credentials: 'AUTH_006',
  wrong_login: 'AUTH_001',
  expired_token: 'AUTH_002',
  bad_token: 'AUTH_003',
  forbidden: 'AUTH_004',
  user_inactive: 'AUTH_005',
  not_found: 'SYS_002',
  method_not_allowed: 'SYS_003',
  conflict: 'DB_002',
  gone: 'SYS_006',
  rate_limited: 'SYS_004',
  internal: 'SYS_001',
  unavailable: 'DB_001',
  not_attached: 'RT_001',
  replaced: 'RT_002',
  agent_terminated: 'RT_003',
  agent_stopped: 'RT_005',
} as const satisfies Record<string, string>

export type ErrorKind = keyof typeof errorCodes
export type ErrorCode = (typeof errorCodes)[ErrorKind]

/** One mistake, with the dotted path of its field, if it is about one. */
export type Problem = { message: string; field: string | null }

/** Beyond it, the last problem says how many more there are. */
const MAX_PROBLEMS = 100

export function shorten(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= MAX_PROBLEMS) return problems
  const more = { message: `${problems.length - MAX_PROBLEMS} more problems`, field: null }
  return [...problems.slice(0, MAX_PROBLEMS), more]
}

/** A refusal that the caller sees. `retry_after` is in whole seconds. */
export class SignalboxError extends Error {
  readonly kind: ErrorKind
  readonly problems: readonly Problem[]
  readonly retry_after: number | undefined

  constructor(kind: ErrorKind, problems: readonly Problem[], retry_after?: number) {
    super(problems.map((problem) => problem.message).join('; '))
    this.name = 'SignalboxError'
    this.kind = kind
    this.problems = problems
    this.retry_after = retry_after
  }

  get code(): ErrorCode {
    return errorCodes[this.kind]
  }
}

/** A refusal because of a wrong password: it counts as a failed sign-in. */
export class WrongPassword extends SignalboxError {}

export function refuse(kind: ErrorKind, message: string, field: string | null = null): SignalboxError {
  return new SignalboxError(kind, [{ message, field }])
}

/** A message is the same for an unknown resource and for one of another project, so that it reveals nothing. */
export const notFound = {
  project: (id: string) => refuse('not_found', `Project ${id} not found`),
  agent: (id: string, project_id: string) =>
    refuse('not_found', `Agent ${id} not found in project ${project_id}`),
  /** For requests that name no project. */
  agentAnywhere: (id: string) => refuse('not_found', `Agent ${id} not found`, 'agent_id'),
  agent_type: (id: string) => refuse('not_found', `Agent type ${id} not found`),
  issue: (id: string, project_id: string) =>
    refuse('not_found', `Issue ${id} not found in project ${project_id}`),
  signal: (id: string) => refuse('not_found', `Signal ${id} not found`),
  request: (id: string, project_id: string) =>
    refuse('not_found', `Request ${id} not found in project ${project_id}`),
  /** For a runtime, which names a request by the id that it has given it. */
  requestOfAgent: (request_id: string) =>
    refuse('not_found', `Request ${request_id} not found`, 'request_id'),
  api_key: (id: string) => refuse('not_found', `API key ${id} not found`),
  webhook: (id: string, project_id: string) =>
    refuse('not_found', `Webhook ${id} not found in project ${project_id}`),
  budget: (id: string, project_id: string) =>
    refuse('not_found', `Budget ${id} not found in project ${project_id}`),
  hold: (id: string, project_id: string | null) =>
    refuse(
      'not_found',
      project_id === null ? `Hold ${id} not found` : `Hold ${id} not found in project ${project_id}`,
    ),
  member: (id: string, project_id: string) =>
    refuse('not_found', `User ${id} is not a member of project ${project_id}`),
  user: (id: string) => refuse('not_found', `User ${id} not found`),
  userByEmail: () => refuse('not_found', 'No user with this e-mail', 'email'),
}
