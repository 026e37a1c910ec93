import type * as v from 'valibot'
import type { AgentRequest } from '#src/domain/request.ts'
import type * as access from '#src/protocol/access.ts'
import type * as activity from '#src/protocol/activity.ts'
import type * as agents from '#src/protocol/agents.ts'
import type * as budgets from '#src/protocol/budgets.ts'
import type * as eventSearch from '#src/protocol/event-search.ts'
import type * as holds from '#src/protocol/holds.ts'
import type * as runtimes from '#src/protocol/http-runtimes.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type * as moments from '#src/protocol/moments.ts'
import type * as requests from '#src/protocol/requests.ts'
import type * as resources from '#src/protocol/resources.ts'
import type * as signals from '#src/protocol/signals.ts'
import type * as usage from '#src/protocol/usage.ts'
import type * as verdicts from '#src/protocol/verdict.ts'
import type * as webhooks from '#src/protocol/webhooks.ts'

export type { Agent } from '#src/domain/agent.ts'
export type { Hold } from '#src/domain/hold.ts'
export type { ProjectBudget as Budget } from '#src/domain/project-budget.ts'
export type { AgentRequest } from '#src/domain/request.ts'
export type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'

export type AgentMetrics = v.InferOutput<typeof agents.agentMetrics>
export type BulkResult = v.InferOutput<typeof agents.bulkResult>
export type CountedResult = v.InferOutput<typeof agents.countedResult>
export type Message = v.InferOutput<typeof agents.message>
export type SignalDetails = v.InferOutput<typeof signals.signalDetails>
export type ReportResult = v.InferOutput<typeof runtimes.reportResult>
export type DeliveredSignal = v.InferOutput<typeof runtimes.deliveredSignal>
export type AckResult = v.InferOutput<typeof runtimes.ackResult>
export type AskedRequest = v.InferOutput<typeof runtimes.askedRequest>
export type AgentToken = v.InferOutput<typeof signals.agentToken>
/** With the name of its project, and whether the caller may answer it. */
export type InboxRequest = AgentRequest & { project_name: string; can_answer: boolean }
export type User = v.InferOutput<typeof resources.user>
export type TokenPair = v.InferOutput<typeof resources.tokenPair>
export type Project = v.InferOutput<typeof resources.project>
export type AgentType = v.InferOutput<typeof resources.agentType>
export type Issue = v.InferOutput<typeof resources.issue>
export type Member = v.InferOutput<typeof access.member>
/** What the caller is in a project, and who owns it. */
export type OwnAccess = v.InferOutput<typeof access.ownAccess>
export type ApiKey = v.InferOutput<typeof access.apiKey>
export type CreatedKey = v.InferOutput<typeof access.createdKey>
export type Webhook = v.InferOutput<typeof webhooks.webhook>
export type CreatedWebhook = v.InferOutput<typeof webhooks.createdWebhook>
export type WebhookTest = v.InferOutput<typeof webhooks.webhookTest>
export type WebhookSecret = v.InferOutput<typeof webhooks.webhookSecret>
export type BudgetWindow = v.InferOutput<typeof budgets.budgetWindow>
export type ActivityReport = v.InferOutput<typeof activity.activityReport>
export type EventSearch = Omit<v.InferOutput<typeof eventSearch.eventSearch>, 'data'> & { data: EventFrame[] }
export type Moment = v.InferOutput<typeof moments.moment>
export type UsageReport = v.InferOutput<typeof usage.usageReport>
export type Verdict = v.InferOutput<typeof verdicts.verdict>
export type AuditEntry = v.InferOutput<typeof access.auditEntry>

export type Pagination = v.InferOutput<typeof resources.pagination>
export type Page<Item> = { data: Item[]; pagination: Pagination }
/** One step through a list; `next_cursor` is null at the end. */
export type Step<Item> = { data: Item[]; next_cursor: string | null }

export type Credentials = v.InferInput<typeof resources.loginBody>
export type RefreshBody = v.InferInput<typeof resources.refreshBody>
export type CreateUserBody = v.InferInput<typeof resources.createUserBody>
export type UpdateUserBody = v.InferInput<typeof resources.updateUserBody>
export type UpdateMeBody = v.InferInput<typeof resources.updateMeBody>
export type CreateProjectBody = v.InferInput<typeof resources.createProjectBody>
export type UpdateProjectBody = v.InferInput<typeof resources.updateProjectBody>
export type CreateAgentTypeBody = v.InferInput<typeof resources.createAgentTypeBody>
export type UpdateAgentTypeBody = v.InferInput<typeof resources.updateAgentTypeBody>
export type CreateIssueBody = v.InferInput<typeof resources.createIssueBody>
export type UpdateIssueBody = v.InferInput<typeof resources.updateIssueBody>
export type MemberBody = v.InferInput<typeof access.memberBody>
export type AddMemberBody = v.InferInput<typeof access.addMemberBody>
export type CreateKeyBody = v.InferInput<typeof access.createKeyBody>
export type CreateWebhookBody = v.InferInput<typeof webhooks.createWebhookBody>
export type UpdateWebhookBody = v.InferInput<typeof webhooks.updateWebhookBody>
export type CreateBudgetBody = v.InferInput<typeof budgets.createBudgetBody>
export type UpdateBudgetBody = v.InferInput<typeof budgets.updateBudgetBody>
export type SpawnBody = v.InferInput<typeof agents.spawnBody>
export type UpdateAgentBody = v.InferInput<typeof agents.updateBody>
export type PauseBody = v.InferInput<typeof agents.pauseBody>
export type ResumeBody = v.InferInput<typeof agents.resumeBody>
export type TerminateBody = v.InferInput<typeof agents.terminateBody>
export type BulkBody = v.InferInput<typeof agents.bulkBody>
export type SendSignalBody = v.InferInput<typeof signals.sendSignalBody>
export type PlaceHoldBody = v.InferInput<typeof holds.placeHoldBody>
export type ReleaseHoldBody = v.InferInput<typeof holds.releaseHoldBody>
export type AnswerBody = v.InferInput<typeof requests.answerBody>
export type ReportBody = v.InferInput<typeof runtimes.reportBody>
export type AckBody = v.InferInput<typeof runtimes.ackBody>
export type AskBody = v.InferInput<typeof runtimes.askBody>
export type AgentTokenBody = v.InferInput<typeof signals.agentTokenBody>

/** A query with numbers; the client writes it into the URL. */
type Query<Schema extends v.GenericSchema> = Partial<v.InferOutput<Schema>>
export type PageQuery = Query<typeof resources.pageQuery>
export type AgentsQuery = Query<typeof agents.listAgentsQuery>
export type TerminateQuery = Query<typeof agents.terminateQuery>
export type ProjectMetricsQuery = Query<typeof agents.projectMetricsQuery>
export type AgentMetricsQuery = Query<typeof agents.agentMetricsQuery>
export type WaitQuery = Query<typeof runtimes.waitQuery>
export type ActivityQuery = Query<typeof activity.activityQuery>
export type EventSearchQuery = Query<typeof eventSearch.eventSearchQuery>
export type MomentQuery = Query<typeof moments.momentQuery>
export type AuditQuery = Query<typeof access.auditQuery>
export type UsageQuery = Query<typeof usage.usageQuery>
export type VerdictQuery = Query<typeof verdicts.verdictQuery>
export type HoldsQuery = Query<typeof holds.listHoldsQuery>
export type RequestsQuery = Query<typeof requests.listRequestsQuery>
export type IssuesQuery = Query<typeof resources.listIssuesQuery>
export type EventsQuery = Query<typeof resources.eventsQuery>
export type EventStreamQuery = Query<typeof resources.eventStreamQuery>
