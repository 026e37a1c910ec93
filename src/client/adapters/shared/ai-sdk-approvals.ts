import type { GenericToolApprovalFunction, ToolApprovalConfiguration, ToolApprovalStatus, ToolSet } from 'ai'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { approve } from './approve.ts'

type Context = Record<string, unknown>
type Configuration = ToolApprovalConfiguration<ToolSet, Context>
export type ApprovalContext = Parameters<GenericToolApprovalFunction<ToolSet, Context, Context>>[0]

/** As the SDK decides; but people are asked at once where it would end the call to have them asked. */
export async function approvals(
  agent: RunningAgent,
  configuration: Configuration | undefined,
  call: ApprovalContext,
): Promise<ToolApprovalStatus> {
  const status = await statusOf(configuration, call)
  const { type, reason: why } = typeof status === 'object' ? status : { type: status, reason: undefined }
  if (type !== 'user-approval') return status
  const { toolCallId: id, toolName: name, input } = call.toolCall
  const { isApproved, reason } = await approve(agent, { id, name, input, why })
  return { type: isApproved ? 'approved' : 'denied', reason }
}

async function statusOf(
  configuration: Configuration | undefined,
  call: ApprovalContext,
): Promise<ToolApprovalStatus> {
  if (typeof configuration === 'function') return configuration(call)
  const { toolCallId, toolName, input } = call.toolCall
  const { messages, runtimeContext } = call
  const own = <Value>(from: Record<string, Value> | undefined) =>
    from && Object.hasOwn(from, toolName) ? from[toolName] : undefined
  const context = own(call.toolsContext)
  const configured = own(configuration)
  if (typeof configured === 'function')
    return configured(input, { toolCallId, messages, toolContext: context as never, runtimeContext })
  if (configured !== undefined) return configured
  const needed = own(call.tools)?.needsApproval
  const isNeeded =
    typeof needed === 'function' ? await needed(input, { toolCallId, messages, context }) : needed
  return isNeeded ? 'user-approval' : undefined
}
