import type { AgentSummary } from '#src/domain/agent.ts'
import type { Control, ControlKind } from '#src/domain/control.ts'

/** The stop that an agent has not obeyed: when it was first asked for, as what, and how often it was sent. */
export type FirstAsked = { at: number; kind: ControlKind; times: number }
type Recollection = { asked: FirstAsked | undefined; isLostAtWork: boolean }

/** What earlier states of an agent say of this one, which its newest command covers. */
const known = new WeakMap<object, Recollection>()

/** Only what was sent before, too. */
export const firstAsked = (agent: object): FirstAsked | undefined => known.get(agent)?.asked

export const wasLostAtWork = (agent: object): boolean => known.get(agent)?.isLostAtWork ?? false

/** Takes over what is known of the agent as it was before; to be called before the agent is counted. */
export function recollect(agent: AgentSummary, before: AgentSummary | undefined): void {
  if (!before) return
  const found = { asked: askedBefore(agent, before), isLostAtWork: isStillLost(agent, before) }
  if (found.asked || found.isLostAtWork) known.set(agent, found)
}

/** A new command to stop does not make an agent obedient that has not obeyed the one before. */
function askedBefore({ control }: AgentSummary, before: AgentSummary): FirstAsked | undefined {
  const earlier = before.control
  if (!isOpenStop(control) || !isOpenStop(earlier)) return undefined
  const asked = firstAsked(before)
  if (control.signal_id === earlier.signal_id) return asked
  const first = asked ?? { at: Date.parse(earlier.requested_at), kind: earlier.kind, times: 1 }
  return { ...first, times: first.times + 1 }
}

function isOpenStop(control: Control | null): control is Control {
  return control !== null && control.kind !== 'resume' && control.state !== 'done'
}

/** The runtime is gone since the same moment, at which the agent was at work. */
function isStillLost({ runtime }: AgentSummary, before: AgentSummary): boolean {
  if (runtime.connected || runtime.since === null || runtime.since !== before.runtime.since) return false
  return before.status === 'working' || before.status === 'waiting' || wasLostAtWork(before)
}
