export type { Cost } from '#src/client/agent/cost.ts'
export type { Handlers } from '#src/client/agent/handlers.ts'
export type { Identity, Registration, SelfDescription } from '#src/client/agent/introduction.ts'
export type { QueuedMessage } from '#src/client/agent/message-queue.ts'
export type { Answer, Question } from '#src/client/agent/question.ts'
export type { Report } from '#src/client/agent/report-queue.ts'
export type { Reported } from '#src/client/agent/reporter.ts'
export { type RunOptions, runAgent, runAgents } from '#src/client/agent/run-agents.ts'
export type { RunningAgent } from '#src/client/agent/running-agent.ts'
export type { Usage } from '#src/client/agent/usage.ts'
export { type Connection, type ConnectOptions, connect } from '#src/client/connection/connection.ts'
export {
  ClosedError,
  type ClosedReason,
  InterruptedError,
  OfflineError,
  type OfflineReason,
  RefusedError,
} from '#src/client/connection/errors.ts'
export type { ConnectionState, LinkState } from '#src/client/connection/state.ts'
export {
  type Api,
  ApiError,
  type ApiOptions,
  type ApiProblem,
  type CallOptions,
  createApi,
  eachEvent,
  eachItem,
} from '#src/client/rest/rest.ts'
export type * from '#src/client/rest/types.ts'
export type { TokenSource } from '#src/client/shared/token-source.ts'
export type { Fleet, FleetEvents, ResetReason } from '#src/client/watch/fleet.ts'
export { type Watch, type WatchItem, type WatchOptions, watchProject } from '#src/client/watch/watch.ts'
export type { Actor } from '#src/domain/actor.ts'
export type { Agent, AgentSummary } from '#src/domain/agent.ts'
export type { Control } from '#src/domain/control.ts'
export type { EventName } from '#src/domain/events.ts'
export type { Backoff } from '#src/domain/full-jitter.ts'
export type { AgentStatus } from '#src/domain/lifecycle.ts'
export type { ProjectBudget } from '#src/domain/project-budget.ts'
export type { Signal, SignalKind } from '#src/domain/signal.ts'
export type { AgentEventFrame, EventFrame } from '#src/protocol/messages/event.ts'
