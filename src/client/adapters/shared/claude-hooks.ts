import type { CanUseTool, HookCallback, HookEvent, Options } from '@anthropic-ai/claude-agent-sdk'
import { guard } from '#src/client/agent/guard.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { approve } from './approve.ts'
import { takeTexts } from './messages.ts'

/** Seconds, about the longest that a timer can wait: without it, Claude would go ahead in a long pause. */
const LONG_S = 2_000_000

/** Before a tool, and wherever something new comes before the model. */
const standing: HookEvent[] = ['UserPromptSubmit', 'PreToolUse', 'PostToolUse', 'PostToolUseFailure']
/** Where the model can be told something. Told at its stop, it continues. */
const telling: HookEvent[] = ['UserPromptSubmit', 'PostToolUse', 'PostToolUseFailure', 'Stop']

/** The options with the hooks and the approvals of the agent; hooks that are given run beside them. */
export function toControlledOptions(agent: RunningAgent, options: Options): Options {
  const hooks = { ...options.hooks }
  for (const event of new Set([...standing, ...telling])) {
    const own = {
      hooks: [makeHook(agent, event)],
      timeout: LONG_S,
      onFailure: 'block' as const,
    }
    hooks[event] = [own, ...(hooks[event] ?? [])]
  }
  // The SDK takes one of the two.
  if (options.permissionPromptToolName !== undefined) return { ...options, hooks }
  return { ...options, hooks, canUseTool: options.canUseTool ?? askPeople(agent) }
}

function makeHook(agent: RunningAgent, event: HookEvent): HookCallback {
  return async (input, _tool_use_id, { signal }) => {
    if (standing.includes(event)) await guard(agent.checkpoint(), signal)
    // A subagent would keep it to itself.
    if (!telling.includes(event) || input.agent_id !== undefined) return {}
    const additionalContext = takeTexts(agent).join('\n\n')
    if (additionalContext === '') return {}
    return { hookSpecificOutput: { hookEventName: event, additionalContext } } as Awaited<
      ReturnType<HookCallback>
    >
  }
}

function askPeople(agent: RunningAgent): CanUseTool {
  return async (name, input, { signal, toolUseID, title, description, decisionReason }) => {
    const why = [title, description, decisionReason].filter(Boolean).join('\n')
    const { isApproved, reason } = await approve(agent, { id: toolUseID, name, input, why }, { signal })
    if (isApproved) return { behavior: 'allow', updatedInput: input }
    // No hook runs after a refused call.
    return { behavior: 'deny', message: [reason, ...takeTexts(agent)].join('\n\n') }
  }
}
