import type * as t from './rest-types.ts'

type Traits = {
  /** It is called without a token. */
  is_public?: true
  /** The server keeps no answer of it for an Idempotency-Key, since there is a secret in it. */
  answers_secret?: true
  /** The answer is a stream of server-sent events. */
  streams?: true
}

/** One route of the contract. What it takes and answers is known to the compiler alone. */
export type Operation<
  Line extends string = string,
  Input extends unknown[] = unknown[],
  Result = unknown,
> = Traits & {
  /** Method and path below `/api/v1`, with `{name}` for each parameter. */
  line: Line
  types?: { input: Input; result: Result }
}

function route<Answer, Input extends unknown[] = []>() {
  return <const Line extends string>(
    line: Line,
    traits: Traits = {},
  ): Operation<Line, Input, Promise<Answer>> => ({
    line,
    ...traits,
  })
}

function stream<Item, Input extends unknown[] = []>() {
  return <const Line extends string>(
    line: Line,
  ): Operation<Line, Input, AsyncGenerator<Item, void, undefined>> => ({
    line,
    streams: true,
  })
}

/** The log does not go on from this stream's position: it was pruned, or counts anew. The stream goes on after `seq`. */
/** Without an epoch it is the first. */
export type Reset = { type: 'reset'; seq: number; epoch?: number }

type Paged = [query?: t.PageQuery]

/** Every route there is: a new one is one line. A call takes the ids of the path, then the body or the query. */
export const operations = {
  auth: {
    login: route<t.TokenPair, [body: t.Credentials]>()('POST /auth/login', { is_public: true }),
    refresh: route<t.TokenPair, [body: t.RefreshBody]>()('POST /auth/refresh', { is_public: true }),
    logout: route<t.Message, [body: t.RefreshBody]>()('POST /auth/logout', { is_public: true }),
  },
  users: {
    me: route<t.User>()('GET /users/me'),
    updateMe: route<t.User, [body: t.UpdateMeBody]>()('PATCH /users/me'),
    list: route<t.Page<t.User>, Paged>()('GET /users'),
    create: route<t.User, [body: t.CreateUserBody]>()('POST /users'),
    get: route<t.User>()('GET /users/{id}'),
    update: route<t.User, [body: t.UpdateUserBody]>()('PATCH /users/{id}'),
  },
  projects: {
    list: route<t.Page<t.Project>, Paged>()('GET /projects'),
    create: route<t.Project, [body: t.CreateProjectBody]>()('POST /projects'),
    get: route<t.Project>()('GET /projects/{id}'),
    update: route<t.Project, [body: t.UpdateProjectBody]>()('PATCH /projects/{id}'),
    delete: route<t.Message>()('DELETE /projects/{id}'),
  },
  members: {
    list: route<t.Page<t.Member>, Paged>()('GET /projects/{project_id}/members'),
    set: route<t.Member, [body: t.MemberBody]>()('PUT /projects/{project_id}/members/{user_id}'),
    remove: route<t.Message>()('DELETE /projects/{project_id}/members/{user_id}'),
  },
  agentTypes: {
    list: route<t.Page<t.AgentType>, Paged>()('GET /agent-types'),
    create: route<t.AgentType, [body: t.CreateAgentTypeBody]>()('POST /agent-types'),
    get: route<t.AgentType>()('GET /agent-types/{id}'),
    update: route<t.AgentType, [body: t.UpdateAgentTypeBody]>()('PATCH /agent-types/{id}'),
    deactivate: route<t.Message>()('DELETE /agent-types/{id}'),
  },
  agents: {
    spawn: route<t.Agent, [body: t.SpawnBody]>()('POST /projects/{project_id}/agents'),
    list: route<t.Page<t.Agent>, [query?: t.AgentsQuery]>()('GET /projects/{project_id}/agents'),
    metrics: route<t.AgentMetrics>()('GET /projects/{project_id}/agents/metrics'),
    actOnMany: route<t.BulkResult, [body: t.BulkBody]>()('POST /projects/{project_id}/agents/actions'),
    get: route<t.Agent>()('GET /projects/{project_id}/agents/{agent_id}'),
    update: route<t.Agent, [body: t.UpdateAgentBody]>()('PATCH /projects/{project_id}/agents/{agent_id}'),
    pause: route<t.Agent, [body?: t.PauseBody]>()('POST /projects/{project_id}/agents/{agent_id}/pause'),
    resume: route<t.Agent, [body?: t.ReasonBody]>()('POST /projects/{project_id}/agents/{agent_id}/resume'),
    terminate: route<t.Message, [body?: t.ReasonBody]>()('DELETE /projects/{project_id}/agents/{agent_id}'),
    metricsOf: route<t.AgentMetrics>()('GET /projects/{project_id}/agents/{agent_id}/metrics'),
    issueToken: route<t.AgentToken, [body?: t.AgentTokenBody]>()(
      'POST /projects/{project_id}/agents/{agent_id}/token',
      { answers_secret: true },
    ),
  },
  signals: {
    list: route<t.Page<t.SignalDetails>, Paged>()('GET /projects/{project_id}/agents/{agent_id}/signals'),
    send: route<t.SignalDetails, [body: t.SendSignalBody]>()(
      'POST /projects/{project_id}/agents/{agent_id}/signals',
    ),
  },
  issues: {
    list: route<t.Page<t.Issue>, [query?: t.IssuesQuery]>()('GET /projects/{project_id}/issues'),
    create: route<t.Issue, [body: t.CreateIssueBody]>()('POST /projects/{project_id}/issues'),
    get: route<t.Issue>()('GET /projects/{project_id}/issues/{issue_id}'),
    update: route<t.Issue, [body: t.UpdateIssueBody]>()('PATCH /projects/{project_id}/issues/{issue_id}'),
    delete: route<t.Message>()('DELETE /projects/{project_id}/issues/{issue_id}'),
  },
  events: {
    /** Up to `limit`, and about 4 MiB: there is more after the last one until that is `last_seq`. */
    list: route<{ data: t.EventFrame[]; last_seq: number }, [query?: t.EventsQuery]>()(
      'GET /projects/{project_id}/events',
    ),
    stream: stream<t.EventFrame | Reset, [query?: t.EventStreamQuery]>()(
      'GET /projects/{project_id}/events/stream',
    ),
  },
  keys: {
    list: route<t.Page<t.ApiKey>, Paged>()('GET /api-keys'),
    create: route<t.CreatedKey, [body: t.CreateKeyBody]>()('POST /api-keys', { answers_secret: true }),
    revoke: route<t.Message>()('DELETE /api-keys/{id}'),
  },
  webhooks: {
    list: route<t.Page<t.Webhook>, Paged>()('GET /projects/{project_id}/webhooks'),
    create: route<t.CreatedWebhook, [body: t.CreateWebhookBody]>()('POST /projects/{project_id}/webhooks', {
      answers_secret: true,
    }),
    get: route<t.Webhook>()('GET /projects/{project_id}/webhooks/{webhook_id}'),
    update: route<t.Webhook, [body: t.UpdateWebhookBody]>()(
      'PATCH /projects/{project_id}/webhooks/{webhook_id}',
    ),
    delete: route<t.Message>()('DELETE /projects/{project_id}/webhooks/{webhook_id}'),
    rotateSecret: route<t.WebhookSecret>()('POST /projects/{project_id}/webhooks/{webhook_id}/secret', {
      answers_secret: true,
    }),
  },
  audit: {
    list: route<t.Page<t.AuditEntry>, Paged>()('GET /audit'),
  },
} as const satisfies Record<string, Record<string, Operation>>

/** An argument for each parameter of the path. */
type Ids<Line extends string> = Line extends `${string}{${string}}${infer Rest}`
  ? [id: string, ...Ids<Rest>]
  : []

type Call<Op> =
  Op extends Operation<infer Line, infer Input, infer Result>
    ? (...args: [...Ids<Line>, ...Input]) => Result
    : never

export type Calls = {
  [Group in keyof typeof operations]: {
    [Name in keyof (typeof operations)[Group]]: Call<(typeof operations)[Group][Name]>
  }
}
