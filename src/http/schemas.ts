import type * as v from 'valibot'
import * as access from '#src/protocol/access.ts'
import * as activity from '#src/protocol/activity.ts'
import * as agents from '#src/protocol/agents.ts'
import * as budgets from '#src/protocol/budgets.ts'
import { eventSearch } from '#src/protocol/event-search.ts'
import * as examples from '#src/protocol/examples.ts'
import * as holds from '#src/protocol/holds.ts'
import * as runtimes from '#src/protocol/http-runtimes.ts'
import { eventFrame } from '#src/protocol/messages/event.ts'
import { exampleReport } from '#src/protocol/messages/report.ts'
import { moment } from '#src/protocol/moments.ts'
import * as requests from '#src/protocol/requests.ts'
import * as resources from '#src/protocol/resources.ts'
import * as signals from '#src/protocol/signals.ts'
import * as usage from '#src/protocol/usage.ts'
import * as verdicts from '#src/protocol/verdict.ts'
import * as webhooks from '#src/protocol/webhooks.ts'

type Named = Record<string, { schema: v.GenericSchema; example: object }>

const refused = { code: 'VAL_001', message: 'Cannot transition from paused to working', field: 'status' }
const reason = 'Check the sources first'

/** What the server answers: the names that `components/schemas` of the OpenAPI document has for it. */
export const answerSchemas = {
  Acknowledged: { schema: runtimes.ackResult, example: { outcome: 'done' } },
  ActivityReport: { schema: activity.activityReport, example: examples.activityReport },
  Agent: { schema: agents.agent, example: examples.agent },
  AgentsAt: {
    schema: moment,
    example: {
      data: [{ agent: examples.agentSummary, is_exact: true }],
      seq: 42,
      time: '2026-11-23T18:03:12.000Z',
      next: null,
    },
  },
  AgentSummary: { schema: agents.agentSummary, example: examples.agentSummary },
  AgentToken: { schema: signals.agentToken, example: examples.agentToken },
  AgentType: { schema: resources.agentType, example: examples.agentType },
  Actor: { schema: agents.actor, example: examples.operator },
  ApiKey: { schema: access.apiKey, example: examples.apiKey },
  AuditEntry: { schema: access.auditEntry, example: examples.auditEntry },
  BudgetWindow: { schema: budgets.budgetWindow, example: examples.budgetWindow },
  Budget: { schema: budgets.budget, example: examples.budget },
  AskedRequest: { schema: runtimes.askedRequest, example: examples.request },
  BulkResult: {
    schema: agents.bulkResult,
    example: {
      success: true,
      message: '2 agents paused, 1 skipped',
      affected_count: 2,
      skipped: [{ id: examples.ids.agent, message: 'Cannot transition from paused to paused' }],
    },
  },
  Cause: { schema: agents.cause, example: { kind: 'order', id: null } },
  Control: { schema: agents.control, example: examples.pausedControl },
  CountedResult: {
    schema: agents.countedResult,
    example: { success: true, message: "2 tokens of agent 'Ada' have been revoked", affected_count: 2 },
  },
  CreatedApiKey: { schema: access.createdKey, example: examples.createdKey },
  CreatedWebhook: { schema: webhooks.createdWebhook, example: examples.createdWebhook },
  DeliveredSignal: { schema: runtimes.deliveredSignal, example: examples.signal },
  Error: { schema: resources.errors, example: { success: false, errors: [refused] } },
  Event: { schema: eventFrame, example: examples.event },
  EventSearch: {
    schema: eventSearch,
    example: {
      data: [examples.event],
      searched: { from: 1, to: 42 },
      oldest_seq: 1,
      oldest_at: '2026-11-23T17:41:09.310Z',
      last_seq: 42,
    },
  },
  Hold: { schema: holds.hold, example: examples.hold },
  InboxRequest: {
    schema: requests.inboxRequest,
    example: { ...examples.request, project_name: 'Evening edition', can_answer: true },
  },
  Issue: { schema: resources.issue, example: examples.issue },
  Member: { schema: access.member, example: examples.member },
  Message: {
    schema: agents.message,
    example: { success: true, message: "Agent 'Ada' has been terminated" },
  },
  Metrics: { schema: agents.agentMetrics, example: examples.metrics },
  OwnAccess: { schema: access.ownAccess, example: examples.ownAccess },
  Pagination: {
    schema: resources.pagination,
    example: { total: 41, page: 1, page_size: 20, total_pages: 3, has_next: true, has_prev: false },
  },
  Project: { schema: resources.project, example: examples.project },
  ReportResult: {
    schema: runtimes.reportResult,
    example: {
      status: 'paused',
      status_rejected: 'Cannot transition from paused to working',
      seq: 43,
      control: examples.pausedControl,
    },
  },
  Request: { schema: requests.request, example: examples.request },
  RequestSummary: { schema: requests.requestSummary, example: examples.requestSummary },
  Signal: { schema: signals.signalDetails, example: examples.signalDetails },
  TokenPair: { schema: resources.tokenPair, example: examples.tokenPair },
  UsageReport: { schema: usage.usageReport, example: examples.usageReport },
  User: { schema: resources.user, example: examples.user },
  Verdict: { schema: verdicts.verdict, example: { allowed: true, status: 'working' } },
  Webhook: { schema: webhooks.webhook, example: examples.webhook },
  WebhookTest: { schema: webhooks.webhookTest, example: examples.webhookTest },
  WebhookSecret: { schema: webhooks.webhookSecret, example: examples.webhookSecret },
} as const satisfies Named

/** What a client sends: the bodies of requests. */
export const bodySchemas = {
  Credentials: {
    schema: resources.loginBody,
    example: { email: 'bea@example.org', password: 'correct horse battery staple' },
  },
  RefreshToken: {
    schema: resources.refreshBody,
    example: { refresh_token: examples.tokenPair.refresh_token },
  },
  CreateUser: {
    schema: resources.createUserBody,
    example: { email: 'tom@example.org', password: 'a long password', full_name: 'Tom Lindqvist' },
  },
  UpdateUser: { schema: resources.updateUserBody, example: { is_active: false } },
  UpdateMe: {
    schema: resources.updateMeBody,
    example: { current_password: 'a long password', password: 'a longer password' },
  },
  CreateProject: {
    schema: resources.createProjectBody,
    example: { name: 'Evening edition', slug: 'evening-edition' },
  },
  UpdateProject: { schema: resources.updateProjectBody, example: { name: 'Late edition' } },
  CreateAgentType: {
    schema: resources.createAgentTypeBody,
    example: { name: 'Researcher', slug: 'researcher', config: { model: 'large' } },
  },
  UpdateAgentType: { schema: resources.updateAgentTypeBody, example: { config: { model: 'small' } } },
  CreateIssue: {
    schema: resources.createIssueBody,
    example: { title: 'Two sources disagree on the date', assigned_agent_id: examples.ids.agent },
  },
  UpdateIssue: { schema: resources.updateIssueBody, example: { status: 'closed' } },
  AddMember: { schema: access.addMemberBody, example: { email: 'ada@example.org', role: 'operator' } },
  SetMember: { schema: access.memberBody, example: { role: 'operator' } },
  CreateApiKey: {
    schema: access.createKeyBody,
    example: { name: 'Runtimes in the newsroom', project_id: examples.ids.project, role: 'runtime' },
  },
  CreateWebhook: {
    schema: webhooks.createWebhookBody,
    example: { url: 'https://hooks.example.org/signalbox', events: ['agent.terminated'] },
  },
  UpdateWebhook: { schema: webhooks.updateWebhookBody, example: { is_active: true } },
  CreateBudget: {
    schema: budgets.createBudgetBody,
    example: { name: 'News, by day', metric: 'cost', limit: '50', window: 'day', selector: 'team=news' },
  },
  UpdateBudget: { schema: budgets.updateBudgetBody, example: { limit: '75', warn_at: [0.5, 0.9] } },
  SpawnAgent: {
    schema: agents.spawnBody,
    example: { agent_type_id: examples.ids.agent_type, name: 'Ada', cost_limit: '10.0000' },
  },
  UpdateAgent: { schema: agents.updateBody, example: { token_limit: 400_000 } },
  PauseAgent: { schema: agents.pauseBody, example: { reason, resume_after: 600 } },
  ResumeAgent: { schema: agents.resumeBody, example: { reason: 'The sources are good' } },
  TerminateAgent: {
    schema: agents.terminateBody,
    example: { reason: 'The edition is out' },
  },
  BulkAction: { schema: agents.bulkBody, example: { action: 'pause', all: true, status: 'working', reason } },
  SendMessage: {
    schema: signals.sendSignalBody,
    example: { kind: 'message', payload: { question: 'Which source is newer?' } },
  },
  PlaceHold: {
    schema: holds.placeHoldBody,
    example: { reason: 'The source database is wrong', selector: 'team=news', for: 3_600 },
  },
  ReleaseHold: { schema: holds.releaseHoldBody, example: { over_seconds: 300 } },
  AnswerRequest: {
    schema: requests.answerBody,
    example: { status: 'resolved', option: 'yes', payload: { page: 4 }, note: 'On the left, please' },
  },
  Report: { schema: runtimes.reportBody, example: exampleReport },
  Acknowledge: {
    schema: runtimes.ackBody,
    example: { outcome: 'done', detail: 'Stopped after the paragraph' },
  },
  Ask: {
    schema: runtimes.askBody,
    example: { ...examples.question, metadata: examples.requestMetadata, status: 'waiting' },
  },
  CreateAgentToken: { schema: signals.agentTokenBody, example: { expires_in: 86_400 } },
} as const satisfies Named
