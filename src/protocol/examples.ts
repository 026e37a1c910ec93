/**
 * The examples of the documents: one small fleet of a newspaper. Tests hold each against its schema, so they need no
 * types of their own.
 */

export const ids = {
  project: '0199c2a4-7d10-7c3e-9a51-3f0d6b8e4c21',
  agent: '0199c2a6-1f42-7b90-8c55-5b1e9d7a2f10',
  agent_type: '0199c2a5-02bb-7d44-a1f7-c8e2064b91d3',
  user: '0199c2a1-5e08-7f12-b0a4-9d3c7e61f542',
  member: '0199c2a2-66aa-7e3d-8f19-20b7c45d8ea6',
  signal: '0199c2b7-44d3-7a06-9be8-71f2c0d9563e',
  issue: '0199c2a9-3b77-7c81-86d2-e40f5a1b9c38',
  key: '0199c2aa-9c14-7055-b3e6-0a8d4f72c1b9',
  webhook: '0199c2ab-d0e9-7233-94c7-6f1b8e5a30d4',
  entry: '0199c2ac-1a5f-7419-a2d8-4c7e90b36f85',
  request: '0199c2b8-5f10-7a4c-b1d9-08e6a3c75d42',
  hold: '0199c2b9-08c3-7e61-9b52-c4d7a10f38e9',
  budget: '0199c2ba-6d27-70f5-8ac1-5e3b92d04f76',
} as const

export const times = {
  start: '2026-11-23T08:00:00.000Z',
  before: '2026-11-23T18:01:40.517Z',
  now: '2026-11-23T18:03:11.204Z',
  soon: '2026-11-23T18:04:11.204Z',
  later: '2026-12-23T08:00:00.000Z',
} as const

const created = { created_at: times.start, updated_at: times.start }
export const operator = { kind: 'user', id: ids.user }

export const client = 'signalbox-js/0.2.0'

export const pausedControl = {
  signal_id: ids.signal,
  kind: 'pause',
  state: 'delivered',
  reason: 'Check the sources first',
  requested_by: operator,
  requested_at: times.now,
  acknowledged_at: null,
  resume_at: null,
  mode: 'checkpoint',
  cause: { kind: 'order', id: null },
}

export const agentSummary = {
  id: ids.agent,
  agent_type_id: ids.agent_type,
  project_id: ids.project,
  name: 'Ada',
  status: 'working',
  current_task: 'Summarise the council minutes',
  long_term_memory_ref: 'memories/ada',
  session_id: 'run-2041',
  last_activity_at: times.before,
  terminated_at: null,
  tasks_completed: 12,
  tokens_used: 48_210,
  cost_incurred: '1.9284',
  created_at: times.start,
  updated_at: times.before,
  agent_type_name: 'Researcher',
  agent_type_slug: 'researcher',
  project_name: 'Evening edition',
  project_slug: 'evening-edition',
  assigned_issues_count: 1,
  runtime: { connected: true, since: times.start, capabilities: ['interrupt'], client },
  control: null,
  pending_signals: 0,
  token_limit: 200_000,
  cost_limit: '10.0000',
  labels: { team: 'news', tier: 'gold' },
  external_id: 'newsroom/ada',
  parent_id: null,
  open_requests: 0,
  holds: [],
  seq: 41,
}

export const pausedSummary = {
  ...agentSummary,
  status: 'paused',
  last_activity_at: times.now,
  updated_at: times.now,
  control: { ...pausedControl, state: 'pending' },
  pending_signals: 1,
  seq: 42,
}

export const memory = { sources: ['council.example.org/minutes/2026-11'], draft: 2 }
export const agent = { ...agentSummary, short_term_memory: memory }

export const signal = {
  id: ids.signal,
  kind: 'pause',
  payload: null,
  reason: 'Check the sources first',
  mode: 'checkpoint',
  issued_at: times.now,
  attempt: 1,
}

export const event = {
  type: 'event',
  project_id: ids.project,
  seq: 42,
  epoch: 1,
  name: 'agent.status_changed',
  at: times.now,
  actor: operator,
  agent: pausedSummary,
  from: 'working',
  to: 'paused',
  signal,
}

export const hold = {
  id: ids.hold,
  project_id: ids.project,
  group_id: null,
  reason: 'The source database is wrong',
  selector: 'team=news',
  agent_type_id: null,
  mode: 'checkpoint',
  until: times.soon,
  cause: { kind: 'order', id: null },
  created_by: operator,
  created_at: times.now,
  released_at: null,
  released_by: null,
  affected_count: 12,
}

export const budget = {
  id: ids.budget,
  project_id: ids.project,
  name: 'News, by day',
  metric: 'cost',
  limit: '50.0000',
  spent: '41.2000',
  window: 'day',
  timezone: 'Europe/Berlin',
  selector: 'team=news',
  agent_type_id: null,
  agent_id: null,
  warn_at: [0.8],
  action: 'hold',
  mode: 'checkpoint',
  starts_at: '2026-11-22T23:00:00.000Z',
  resets_at: '2026-11-23T23:00:00.000Z',
  state: 'warned',
  hold_id: null,
  created_by: operator,
  created_at: times.start,
}

export const budgetWindow = {
  starts_at: '2026-11-21T23:00:00.000Z',
  ends_at: '2026-11-22T23:00:00.000Z',
  spent: '50.0700',
  limit: '50.0000',
  exceeded_at: '2026-11-22T21:16:03.910Z',
}

export const metrics = {
  total_instances: 12,
  active_instances: 5,
  idle_instances: 3,
  total_tasks_completed: 340,
  total_tokens_used: 1_204_500,
  total_cost_incurred: '48.1800',
  by_status: { idle: 3, working: 5, waiting: 1, paused: 1, terminated: 2 },
  connected_instances: 9,
}

export const usageReport = {
  data: [
    {
      bucket: '2026-11-22T23:00:00.000Z',
      group: 'large',
      tasks_completed: 31,
      tokens_used: 210_400,
      cost_incurred: '8.1170',
      input_tokens: 181_200,
      output_tokens: 29_200,
      cache_read_input_tokens: 96_000,
      cache_creation_input_tokens: 12_000,
      reasoning_output_tokens: 8_400,
    },
  ],
  from: '2026-11-22T23:00:00.000Z',
  to: '2026-11-23T23:00:00.000Z',
}

export const activityReport = {
  data: [
    {
      at: '2026-11-23T18:03:10.000Z',
      events: 12,
      tasks_completed: 2,
      tokens_used: 5_180,
      cost_incurred: '0.1204',
      by_status: { idle: 3, working: 8, waiting: 1, paused: 2, terminated: 4 },
    },
  ],
  from: '2026-11-23T18:03:10.000Z',
  to: '2026-11-23T18:03:20.000Z',
  step: 10,
  since: '2026-11-23T18:03:10.000Z',
}

export const user = {
  id: ids.user,
  email: 'bea@example.org',
  full_name: 'Bea Okafor',
  is_active: true,
  is_superuser: false,
  ...created,
}

export const project = {
  id: ids.project,
  name: 'Evening edition',
  slug: 'evening-edition',
  description: 'Agents that prepare the evening edition',
  owner_id: ids.user,
  agent_limit: 10_000,
  ...created,
}

export const agentType = {
  id: ids.agent_type,
  name: 'Researcher',
  slug: 'researcher',
  description: 'Finds and checks sources',
  is_active: true,
  config: { model: 'large' },
  ...created,
}

export const issue = {
  id: ids.issue,
  project_id: ids.project,
  title: 'Two sources disagree on the date',
  description: 'The minutes say Monday, the agenda says Tuesday.',
  status: 'open',
  assigned_agent_id: ids.agent,
  ...created,
}

export const member = {
  user_id: ids.member,
  email: 'tom@example.org',
  full_name: 'Tom Lindqvist',
  role: 'operator',
  ...created,
}

export const ownAccess = {
  project_id: ids.project,
  role: 'operator',
  owner_id: ids.user,
  owner_email: user.email,
  owner_name: user.full_name,
}

const key = {
  id: ids.key,
  name: 'Runtimes in the newsroom',
  project_id: ids.project,
  role: 'runtime',
  expires_at: times.later,
  created_at: times.start,
}
export const apiKey = { ...key, maker_id: ids.user, last_used_at: times.before }
export const createdKey = { ...key, key: 'sbx_3Yk0uVq8hC1bN5mTz7RwXe2LpGdJsA9fKoViQ4yU6nE' }

export const auditEntry = {
  id: ids.entry,
  at: times.before,
  action: 'member_set',
  actor: operator,
  target_id: ids.member,
  project_id: ids.project,
  details: { role: 'operator' },
}

export const webhook = {
  id: ids.webhook,
  project_id: ids.project,
  url: 'https://hooks.example.org/signalbox',
  events: ['agent.terminated', 'agent.budget_exceeded'],
  selector: 'team=support,env!=test',
  format: 'signalbox',
  is_active: true,
  cursor: 41,
  created_by: ids.user,
  created_at: times.start,
  last_attempt_at: times.before,
  last_success_at: times.before,
  last_status: 204,
  last_error: null,
  failing_since: null,
  failures: 0,
  next_attempt_at: times.before,
  disabled_at: null,
}
const secret = 'whsec_q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c='
export const createdWebhook = { ...webhook, secret }
export const webhookTest = { delivered: false, status: 500, error: 'Answered 500', duration_ms: 41 }
export const webhookSecret = { secret, old_secret_until: '2026-11-24T18:03:11.204Z' }

export const signalDetails = {
  id: ids.signal,
  agent_id: ids.agent,
  kind: 'message',
  payload: { question: 'Which source is newer?' },
  reason: null,
  mode: null,
  created_at: times.before,
  attempt: 1,
  delivered_at: times.before,
  acknowledged_at: times.now,
  outcome: 'done',
  detail: 'Answered in the draft',
}

export const question = {
  request_id: 'publish-2041',
  reason: 'tool_call',
  message: 'Publish the summary of the council minutes?',
  tool_call: { id: 'call_7', name: 'publish', arguments: { page: 4, headline: 'Council votes on trams' } },
  options: [
    { id: 'yes', label: 'Publish', kind: 'allow_once' },
    { id: 'no', label: 'Keep it back', kind: 'reject_once' },
  ],
  response_schema: {
    type: 'object',
    properties: { page: { type: 'integer', minimum: 1, maximum: 32, title: 'Page' } },
  },
  expires_at: '2026-11-23T20:00:00.000Z',
}
export const requestMetadata = { thread: 'run-2041' }

export const requestSummary = {
  id: ids.request,
  request_id: question.request_id,
  project_id: ids.project,
  agent_id: ids.agent,
  agent_name: 'Ada',
  reason: question.reason,
  message: question.message,
  tool_call: question.tool_call,
  options: question.options,
  response_schema: question.response_schema,
  expires_at: question.expires_at,
  state: 'open',
  cause: null,
  option: null,
  payload: null,
  note: null,
  answered_by: null,
  created_at: times.now,
  ended_at: null,
  delivered_at: null,
  acknowledged_at: null,
}
export const request = { ...requestSummary, metadata: requestMetadata }

export const agentToken = { token: 'sba_8dH2kQz5VbX0sLw7RtYc3NfJm1GpEa6U', expires_at: times.later }

export const tokenPair = {
  access_token: 'eyJhbGciOiJIUzI1NiJ9.eyJ0eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl',
  refresh_token: 'sbr_5Jw9cZr2TfK8xVq1NdHb6YpLs4MgEu0A',
  token_type: 'bearer',
  expires_in: 900,
  user,
}
