import { actionNames, actionRow, defaultMode, type Mode } from '#src/domain/actions.ts'
import type { Actor } from '#src/domain/actor.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Cause, Control } from '#src/domain/control.ts'
import { hasEndedItself } from './progress.ts'
import { actionOf } from './reach.ts'

/** The names of agents, users and programs. */
export type Names = { agent: (id: string) => string; actor: (actor: Actor) => string }

type Caused = Pick<AgentSummary, 'parent_id'> & { control: Control | null }

/** What follows "paused", "resumed" or "terminated"; undefined where only the actor counts. A new cause does not compile. */
const words: Record<
  Cause['kind'],
  (cause: Cause, agent: Caused, names: Pick<Names, 'agent'>) => string | undefined
> = {
  order: () => undefined,
  timer: () => 'by its timer',
  parent: ({ id }, { parent_id }, names) =>
    id === parent_id
      ? `with its parent ${names.agent(id ?? '')}`
      : `with its ancestor ${names.agent(id ?? '')}`,
  hold: () => 'by a hold',
  budget: ({ id }) => (id === null ? 'by its limit' : 'by a budget'),
  runtime: () => 'by the runtime itself',
}

/** What the server gives as the reason where an agent reaches its own limit. */
const LIMIT_REASON = 'budget'

/** The reason of a command in words for people. */
export const sayGivenReason = (reason: string | null): string | null =>
  reason === LIMIT_REASON ? 'its limit is reached' : reason

/** Why the agent got its newest command: "with its parent Ada". Undefined for an order of its own. */
export function sayCause(agent: Caused, names: Pick<Names, 'agent'>): string | undefined {
  const { control } = agent
  return control ? words[control.cause.kind](control.cause, agent, names) : undefined
}

/** Why, and who asked for it: "with its parent Ada, by you". */
export function sayCauseAndActor(agent: Caused & { control: Control }, names: Names): string {
  const { requested_by } = agent.control
  const isAsked = requested_by.kind === 'user' || requested_by.kind === 'api_key'
  const cause = sayCause(agent, names)
  return [cause, (isAsked || !cause) && `by ${names.actor(requested_by)}`].filter(Boolean).join(', ')
}

/** Why a paused or terminated agent is; undefined for any other. */
export function sayWhyStopped(agent: AgentSummary, names: Names): string | undefined {
  const { status, control } = agent
  if (status !== 'paused' && status !== 'terminated') return undefined
  if (hasEndedItself(agent)) return 'by itself'
  const action = control && actionOf(control.kind)
  if (control && action && actionRow(action).to === status) {
    return sayCauseAndActor({ ...agent, control }, names)
  }
  return status === 'paused' ? 'since it was spawned' : undefined
}

const defaults: readonly (Mode | null)[] = actionNames.map(defaultMode)

/** The mode, unless it is a default. */
export function unusualMode(mode: Mode | null | undefined): Mode | undefined {
  return mode && !defaults.includes(mode) ? mode : undefined
}

/** A mode as a choice for people. */
export const modeWords: Record<Mode, string> = {
  checkpoint: 'At the next checkpoint',
  interrupt: 'At once, in the middle of its work (interrupt)',
  graceful: 'After it has tidied up (graceful)',
  now: 'At once, without tidying up (now)',
}
