export type { Agent, AgentSummary, Control } from '#src/domain/agent.ts'
export type { Actor, EventName } from '#src/domain/events.ts'
export type { AgentStatus } from '#src/domain/lifecycle.ts'
export type { Signal, SignalKind } from '#src/domain/signal.ts'
export type { EventFrame } from '#src/protocol/frames.ts'
export { type RunOptions, runAgent, runAgents } from './agents.ts'
export { type Connection, type ConnectOptions, connect } from './connection.ts'
export { ClosedError, type ClosedReason, RefusedError } from './errors.ts'
export type { Fleet, FleetEvents, ResetReason } from './fleet.ts'
export type { Handlers } from './obedience.ts'
export type { Backoff } from './reconnect.ts'
export type { Report } from './report-queue.ts'
export type { Reported } from './reporter.ts'
export {
  type Api,
  ApiError,
  type ApiOptions,
  type ApiProblem,
  type CallOptions,
  createApi,
  eachEvent,
  eachItem,
} from './rest.ts'
export type * from './rest-types.ts'
export type { RunningAgent } from './running-agent.ts'
export type { ConnectionState, LinkState } from './state.ts'
export type { TokenSource } from './tokens.ts'
export type { Usage } from './usage.ts'
export { type Watch, type WatchItem, type WatchOptions, watchProject } from './watch.ts'
