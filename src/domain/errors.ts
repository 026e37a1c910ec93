/**
 * Every way in which a request can be refused, with the code that the wire contract gives it.
 * The edges translate a kind into an HTTP status or a frame; the domain knows neither.
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
} as const satisfies Record<string, string>

export type ErrorKind = keyof typeof errorCodes
export type ErrorCode = (typeof errorCodes)[ErrorKind]

/** One thing that is wrong: what it is, and the dotted path of the field that it is about, if any. */
export type Problem = { message: string; field: string | null }

/** A refusal that the caller is told about. `retry_after` is in whole seconds. */
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

export function refuse(kind: ErrorKind, message: string, field: string | null = null): SignalboxError {
  return new SignalboxError(kind, [{ message, field }])
}

/** The messages that name a resource; the same for an unknown one and for one that lies elsewhere. */
export const notFound = {
  project: (id: string) => refuse('not_found', `Project ${id} not found`),
  agent: (id: string, project_id: string) =>
    refuse('not_found', `Agent ${id} not found in project ${project_id}`),
  /** Where it is not said which project it should be in. */
  agentAnywhere: (id: string) => refuse('not_found', `Agent ${id} not found`, 'agent_id'),
  agent_type: (id: string) => refuse('not_found', `Agent type ${id} not found`),
  issue: (id: string, project_id: string) =>
    refuse('not_found', `Issue ${id} not found in project ${project_id}`),
  signal: (id: string) => refuse('not_found', `Signal ${id} not found`),
  api_key: (id: string) => refuse('not_found', `API key ${id} not found`),
  webhook: (id: string, project_id: string) =>
    refuse('not_found', `Webhook ${id} not found in project ${project_id}`),
  member: (id: string, project_id: string) =>
    refuse('not_found', `User ${id} is not a member of project ${project_id}`),
  user: (id: string) => refuse('not_found', `User ${id} not found`),
}
