export type { AgentSummary } from '#src/domain/agent.ts'
export { closeCodes } from '#src/protocol/close-codes.ts'
export type { EventFrame } from '#src/protocol/frames.ts'
