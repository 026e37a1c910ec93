import type * as v from 'valibot'
import type * as access from '#src/protocol/access.ts'
import type * as agents from '#src/protocol/agents.ts'
import type * as resources from '#src/protocol/resources.ts'
import type * as signals from '#src/protocol/signals.ts'
import type * as webhooks from '#src/protocol/webhooks.ts'

export type { Agent } from '#src/domain/agent.ts'
export type { EventFrame } from '#src/protocol/frames.ts'

export type AgentMetrics = v.InferOutput<typeof agents.agentMetrics>
export type BulkResult = v.InferOutput<typeof agents.bulkResult>
export type Message = v.InferOutput<typeof agents.message>
export type SignalDetails = v.InferOutput<typeof signals.signalDetails>
export type AgentToken = v.InferOutput<typeof signals.agentToken>
export type User = v.InferOutput<typeof resources.user>
export type TokenPair = v.InferOutput<typeof resources.tokenPair>
export type Project = v.InferOutput<typeof resources.project>
export type AgentType = v.InferOutput<typeof resources.agentType>
export type Issue = v.InferOutput<typeof resources.issue>
export type Member = v.InferOutput<typeof access.member>
export type ApiKey = v.InferOutput<typeof access.apiKey>
export type CreatedKey = v.InferOutput<typeof access.createdKey>
export type Webhook = v.InferOutput<typeof webhooks.webhook>
export type CreatedWebhook = v.InferOutput<typeof webhooks.createdWebhook>
export type WebhookSecret = v.InferOutput<typeof webhooks.webhookSecret>
export type AuditEntry = v.InferOutput<typeof access.auditEntry>

export type Pagination = v.InferOutput<typeof resources.pagination>
export type Page<Item> = { data: Item[]; pagination: Pagination }

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
export type CreateKeyBody = v.InferInput<typeof access.createKeyBody>
export type CreateWebhookBody = v.InferInput<typeof webhooks.createWebhookBody>
export type UpdateWebhookBody = v.InferInput<typeof webhooks.updateWebhookBody>
export type SpawnBody = v.InferInput<typeof agents.spawnBody>
export type UpdateAgentBody = v.InferInput<typeof agents.updateBody>
export type PauseBody = v.InferInput<typeof agents.pauseBody>
export type ReasonBody = v.InferInput<typeof agents.resumeBody>
export type BulkBody = v.InferInput<typeof agents.bulkBody>
export type SendSignalBody = v.InferInput<typeof signals.sendSignalBody>
export type AgentTokenBody = v.InferInput<typeof signals.agentTokenBody>

/** A query as it is meant, with numbers: how it is written in the URL is the client's business. */
type Query<Schema extends v.GenericSchema> = Partial<v.InferOutput<Schema>>
export type PageQuery = Query<typeof resources.pageQuery>
export type AgentsQuery = Query<typeof agents.listAgentsQuery>
export type IssuesQuery = Query<typeof resources.listIssuesQuery>
export type EventsQuery = Query<typeof resources.eventsQuery>
export type EventStreamQuery = Query<typeof resources.eventStreamQuery>
