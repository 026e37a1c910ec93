import type * as t from './types.ts'

type Traits = {
  /** Sent without a token. */
  isPublic?: true
  /** The answer has a secret, so the server keeps none for an Idempotency-Key. */
  answersSecret?: true
  /** The server calls another server, so it keeps no answer either. */
  callsOut?: true
  /** A POST that the server treats as one when it repeats soon, so the client may retry after a lost answer. */
  isRepeatable?: true
  /** The answer is a stream of server-sent events. */
  streams?: true
}

/** One route of the contract. Its types exist for the compiler only. */
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

type Listing<Item, Query> = { item: Item; query: Query }

/** A list in numbered pages, or with a `cursor` step by step through everything (`eachItem`). */
function list<Item, Query = t.PageQuery>() {
  return <const Line extends string>(line: Line): Operation<Line, [], Listing<Item, Query>> => ({ line })
}

/**
 * The log does not continue from the position of this stream: it was pruned, or has a new epoch. The stream continues after
 * `seq`. A missing epoch is the first one.
 */
export type Reset = { type: 'reset'; seq: number; epoch?: number }

/** Every route: a new one is one line. A call takes the ids of the path, then the body, then the query. */
export const operations = {
  auth: {
    login: route<t.TokenPair, [body: t.Credentials]>()('POST /auth/login', { isPublic: true }),
    refresh: route<t.TokenPair, [body: t.RefreshBody]>()('POST /auth/refresh', {
      isPublic: true,
      isRepeatable: true,
    }),
    logout: route<t.Message, [body: t.RefreshBody]>()('POST /auth/logout', { isPublic: true }),
  },
  users: {
    me: route<t.User>()('GET /users/me'),
    updateMe: route<t.User, [body: t.UpdateMeBody]>()('PATCH /users/me'),
    /** The caller's role in each project, with the owner's name. */
    access: list<t.OwnAccess>()('GET /users/me/access'),
    list: list<t.User>()('GET /users'),
    create: route<t.User, [body: t.CreateUserBody]>()('POST /users'),
    get: route<t.User>()('GET /users/{id}'),
    update: route<t.User, [body: t.UpdateUserBody]>()('PATCH /users/{id}'),
  },
  projects: {
    list: list<t.Project>()('GET /projects'),
    create: route<t.Project, [body: t.CreateProjectBody]>()('POST /projects'),
    get: route<t.Project>()('GET /projects/{id}'),
    update: route<t.Project, [body: t.UpdateProjectBody]>()('PATCH /projects/{id}'),
    delete: route<t.Message>()('DELETE /projects/{id}'),
  },
  members: {
    list: list<t.Member>()('GET /projects/{project_id}/members'),
    /** By e-mail. */
    add: route<t.Member, [body: t.AddMemberBody]>()('POST /projects/{project_id}/members'),
    set: route<t.Member, [body: t.MemberBody]>()('PUT /projects/{project_id}/members/{user_id}'),
    remove: route<t.Message>()('DELETE /projects/{project_id}/members/{user_id}'),
  },
  agentTypes: {
    list: list<t.AgentType>()('GET /agent-types'),
    create: route<t.AgentType, [body: t.CreateAgentTypeBody]>()('POST /agent-types'),
    get: route<t.AgentType>()('GET /agent-types/{id}'),
    update: route<t.AgentType, [body: t.UpdateAgentTypeBody]>()('PATCH /agent-types/{id}'),
    deactivate: route<t.Message>()('DELETE /agent-types/{id}'),
  },
  agents: {
    spawn: route<t.Agent, [body: t.SpawnBody]>()('POST /projects/{project_id}/agents'),
    list: list<t.Agent, t.AgentsQuery>()('GET /projects/{project_id}/agents'),
    metrics: route<t.AgentMetrics, [query?: t.ProjectMetricsQuery]>()(
      'GET /projects/{project_id}/agents/metrics',
    ),
    actOnMany: route<t.BulkResult, [body: t.BulkBody]>()('POST /projects/{project_id}/agents/actions'),
    get: route<t.Agent>()('GET /projects/{project_id}/agents/{agent_id}'),
    update: route<t.Agent, [body: t.UpdateAgentBody]>()('PATCH /projects/{project_id}/agents/{agent_id}'),
    pause: route<t.Agent, [body?: t.PauseBody]>()('POST /projects/{project_id}/agents/{agent_id}/pause'),
    resume: route<t.Agent, [body?: t.ResumeBody]>()('POST /projects/{project_id}/agents/{agent_id}/resume'),
    terminate: route<t.Message, [body?: t.TerminateBody, query?: t.TerminateQuery]>()(
      'DELETE /projects/{project_id}/agents/{agent_id}',
    ),
    metricsOf: route<t.AgentMetrics, [query?: t.AgentMetricsQuery]>()(
      'GET /projects/{project_id}/agents/{agent_id}/metrics',
    ),
    issueToken: route<t.AgentToken, [body?: t.AgentTokenBody]>()(
      'POST /projects/{project_id}/agents/{agent_id}/token',
      { answersSecret: true },
    ),
    revokeTokens: route<t.CountedResult>()('DELETE /projects/{project_id}/agents/{agent_id}/tokens'),
  },
  /** Whether an agent may run; an `ApiError` with the code `RT_005` if not. For agents' tokens and runtime keys. */
  verdicts: {
    get: route<t.Verdict, [query?: t.VerdictQuery]>()('GET /verdict'),
  },
  signals: {
    list: list<t.SignalDetails>()('GET /projects/{project_id}/agents/{agent_id}/signals'),
    send: route<t.SignalDetails, [body: t.SendSignalBody]>()(
      'POST /projects/{project_id}/agents/{agent_id}/signals',
    ),
  },
  /** For runtimes that can't hold a connection; others call `runAgent`. */
  runtimes: {
    report: route<t.ReportResult, [body?: t.ReportBody]>()(
      'POST /projects/{project_id}/agents/{agent_id}/reports',
    ),
    /** Null: there is none, also after `wait` seconds. */
    nextSignal: route<t.DeliveredSignal | null, [query?: t.WaitQuery]>()(
      'GET /projects/{project_id}/agents/{agent_id}/signals/next',
    ),
    acknowledge: route<t.AckResult, [body: t.AckBody]>()(
      'POST /projects/{project_id}/agents/{agent_id}/signals/{signal_id}/ack',
    ),
    ask: route<t.AskedRequest, [body: t.AskBody]>()('POST /projects/{project_id}/agents/{agent_id}/requests'),
  },
  requests: {
    /** The inbox: the open requests of all projects that the caller may read. */
    mine: list<t.InboxRequest>()('GET /requests'),
    list: list<t.AgentRequest, t.RequestsQuery>()('GET /projects/{project_id}/requests'),
    /** With `wait`, once it has ended or after that many seconds. */
    get: route<t.AgentRequest, [query?: t.WaitQuery]>()('GET /projects/{project_id}/requests/{id}'),
    answer: route<t.AgentRequest, [body: t.AnswerBody]>()('POST /projects/{project_id}/requests/{id}/answer'),
  },
  holds: {
    /** Answers once all agents that match are paused. */
    place: route<t.Hold, [body: t.PlaceHoldBody]>()('POST /projects/{project_id}/holds'),
    list: list<t.Hold, t.HoldsQuery>()('GET /projects/{project_id}/holds'),
    get: route<t.Hold>()('GET /projects/{project_id}/holds/{hold_id}'),
    release: route<t.CountedResult, [body?: t.ReleaseHoldBody]>()(
      'DELETE /projects/{project_id}/holds/{hold_id}',
    ),
    /** The same hold in every project. */
    placeGlobal: route<t.Hold, [body: t.PlaceHoldBody]>()('POST /holds'),
    listGlobal: list<t.Hold, t.HoldsQuery>()('GET /holds'),
    releaseGlobal: route<t.CountedResult, [body?: t.ReleaseHoldBody]>()('DELETE /holds/{hold_id}'),
  },
  issues: {
    list: list<t.Issue, t.IssuesQuery>()('GET /projects/{project_id}/issues'),
    create: route<t.Issue, [body: t.CreateIssueBody]>()('POST /projects/{project_id}/issues'),
    get: route<t.Issue>()('GET /projects/{project_id}/issues/{issue_id}'),
    update: route<t.Issue, [body: t.UpdateIssueBody]>()('PATCH /projects/{project_id}/issues/{issue_id}'),
    delete: route<t.Message>()('DELETE /projects/{project_id}/issues/{issue_id}'),
  },
  events: {
    /** Up to `limit` events and about 4 MiB. If the last one is not `last_seq`, there are more. */
    list: route<{ data: t.EventFrame[]; last_seq: number }, [query?: t.EventsQuery]>()(
      'GET /projects/{project_id}/events',
    ),
    stream: stream<t.EventFrame | Reset, [query?: t.EventStreamQuery]>()(
      'GET /projects/{project_id}/events/stream',
    ),
    /** Looks at a limited number of events, and answers those that match. */
    search: route<t.EventSearch, [query?: t.EventSearchQuery]>()('GET /projects/{project_id}/events/search'),
    /** Sums over time. */
    activity: route<t.ActivityReport, [query?: t.ActivityQuery]>()('GET /projects/{project_id}/activity'),
    /** The agents as they were at a moment. */
    agentsAt: route<t.Moment, [query?: t.MomentQuery]>()('GET /projects/{project_id}/agents/at'),
  },
  usage: {
    get: route<t.UsageReport, [query?: t.UsageQuery]>()('GET /projects/{project_id}/usage'),
  },
  budgets: {
    list: list<t.Budget>()('GET /projects/{project_id}/budgets'),
    create: route<t.Budget, [body: t.CreateBudgetBody]>()('POST /projects/{project_id}/budgets'),
    get: route<t.Budget>()('GET /projects/{project_id}/budgets/{budget_id}'),
    update: route<t.Budget, [body: t.UpdateBudgetBody]>()('PATCH /projects/{project_id}/budgets/{budget_id}'),
    delete: route<t.Message>()('DELETE /projects/{project_id}/budgets/{budget_id}'),
    /** Past ones, in which something was used, newest first. */
    windows: list<t.BudgetWindow>()('GET /projects/{project_id}/budgets/{budget_id}/windows'),
  },
  keys: {
    list: list<t.ApiKey>()('GET /api-keys'),
    create: route<t.CreatedKey, [body: t.CreateKeyBody]>()('POST /api-keys', { answersSecret: true }),
    revoke: route<t.Message>()('DELETE /api-keys/{id}'),
  },
  webhooks: {
    list: list<t.Webhook>()('GET /projects/{project_id}/webhooks'),
    create: route<t.CreatedWebhook, [body: t.CreateWebhookBody]>()('POST /projects/{project_id}/webhooks', {
      answersSecret: true,
    }),
    get: route<t.Webhook>()('GET /projects/{project_id}/webhooks/{webhook_id}'),
    update: route<t.Webhook, [body: t.UpdateWebhookBody]>()(
      'PATCH /projects/{project_id}/webhooks/{webhook_id}',
    ),
    delete: route<t.Message>()('DELETE /projects/{project_id}/webhooks/{webhook_id}'),
    rotateSecret: route<t.WebhookSecret>()('POST /projects/{project_id}/webhooks/{webhook_id}/secret', {
      answersSecret: true,
    }),
    /** Sends one request that says it is a test. */
    test: route<t.WebhookTest>()('POST /projects/{project_id}/webhooks/{webhook_id}/test', {
      callsOut: true,
    }),
  },
  audit: {
    list: list<t.AuditEntry, t.AuditQuery>()('GET /audit'),
  },
} as const satisfies Record<string, Record<string, Operation>>

/** An argument for each parameter of the path. */
type Ids<Line extends string> = Line extends `${string}{${string}}${infer Rest}`
  ? [id: string, ...Ids<Rest>]
  : []

type ListCall<Ids extends string[], Item, Query> = {
  (...args: [...Ids, query: Query & { cursor: string }]): Promise<t.Step<Item>>
  (...args: [...Ids, query?: Query & { cursor?: undefined }]): Promise<t.Page<Item>>
  (...args: [...Ids, query: Query]): Promise<t.Page<Item> | t.Step<Item>>
}

type Call<Op> =
  Op extends Operation<infer Line, infer Input, infer Result>
    ? Result extends Listing<infer Item, infer Query>
      ? ListCall<Ids<Line>, Item, Query>
      : (...args: [...Ids<Line>, ...Input]) => Result
    : never

export type Calls = {
  [Group in keyof typeof operations]: {
    [Name in keyof (typeof operations)[Group]]: Call<(typeof operations)[Group][Name]>
  }
}
