import type { AgentSummary } from '#src/domain/agent.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import { budgetUse } from './budget-use.ts'
import { formatSpan } from './format.ts'
import { isAtWork, isEnded, isLost, lostBefore, OVERDUE_MS, overdueFrom } from './progress.ts'
import { firstAsked } from './recollection.ts'

/** From this share of a limit on, an agent is near it. */
export const NEAR_LIMIT = 0.8
/** An agent that works and has said nothing for this long is silent. */
const SILENT_MS = 10 * 60_000
/** People are asked to answer within this time. */
const ANSWER_MS = 5 * 60_000

type Rule = {
  /** What a filter and a count call it. */
  label: string
  /** From when on it is so, in milliseconds since 1970, perhaps in the future; undefined if it is not. */
  from: (agent: AgentSummary, askedAt: string | undefined) => number | undefined
  /** After the agent's name; `ms` for how long it has been so. */
  say: (agent: AgentSummary, ms: number) => string
}

/** Why an agent needs attention, the most urgent first. */
const rules = {
  failed: {
    label: 'failed',
    from: (agent) => {
      const { control } = agent
      if (control?.state !== 'failed' || isEnded(agent)) return undefined
      return Date.parse(control.acknowledged_at ?? control.requested_at)
    },
    say: ({ control }) => `${control?.kind} failed`,
  },
  overdue: {
    label: 'overdue',
    from: overdueFrom,
    say: sayOverdue,
  },
  lost: {
    label: 'lost',
    from: (agent) => (isLost(agent) ? Date.parse(agent.runtime.since ?? '') : undefined),
    say: sayLost,
  },
  over_limit: {
    label: 'over limit',
    from: (agent) => {
      if (agent.status !== 'terminated' && exceededLimit(agent)) return Date.parse(agent.updated_at)
      return isStoppedByBudget(agent) ? Date.parse(agent.control?.requested_at ?? '') : undefined
    },
    // The limit may have been raised since it was found.
    say: (agent) =>
      `over ${isStoppedByBudget(agent) ? 'a budget' : `its ${exceededLimit(agent) ?? 'limit'}`}`,
  },
  unanswered: {
    label: 'unanswered',
    from: ({ open_requests }, askedAt) =>
      open_requests > 0 && askedAt !== undefined ? Date.parse(askedAt) + ANSWER_MS : undefined,
    say: (_, ms) => `has waited ${formatSpan(ms + ANSWER_MS)} for an answer`,
  },
  silent: {
    label: 'silent',
    from: ({ status, last_activity_at }) =>
      status === 'working' && last_activity_at !== null
        ? Date.parse(last_activity_at) + SILENT_MS
        : undefined,
    say: (_, ms) => `silent for ${formatSpan(ms + SILENT_MS)}`,
  },
  near_limit: {
    label: 'near limit',
    from: (agent) =>
      agent.status !== 'terminated' && (budgetUse(agent) ?? 0) >= NEAR_LIMIT
        ? Date.parse(agent.updated_at)
        : undefined,
    say: (agent) => `has used ${Math.floor((budgetUse(agent) ?? 0) * 100)}% of its limit`,
  },
} as const satisfies Record<string, Rule>

export type ConcernKind = keyof typeof rules
export const concernKinds = Object.keys(rules) as ConcernKind[]
export type Concern = { kind: ConcernKind; since: number }

/** Its own usage reached a budget of its tree or project. Those that stopped with it are not counted. */
function isStoppedByBudget({ status, control }: AgentSummary): boolean {
  return status === 'paused' && control?.cause.kind === 'budget' && control.cause.id !== null
}

/** "pause not obeyed for 9m, sent again" */
function sayOverdue(agent: AgentSummary, ms: number): string {
  const kind = agent.control?.kind
  const first = firstAsked(agent)
  const words = `${first?.kind ?? kind} not obeyed for ${formatSpan(ms + OVERDUE_MS)}`
  if (!first) return words
  if (first.kind !== kind) return `${words}, ${kind} sent since`
  return `${words}, ${first.times > 2 ? `sent ${first.times} times` : 'sent again'}`
}

/** "runtime lost 4m ago, was working" */
function sayLost(agent: AgentSummary, ms: number): string {
  const words = `runtime lost ${formatSpan(ms)} ago`
  if (isAtWork(agent)) return `${words}, was ${agent.status}`
  return lostBefore(agent) === 'confirmed'
    ? `${words}, before it confirmed the ${agent.control?.kind}`
    : `${words}, ${agent.control?.kind} not received`
}

const known = new WeakMap<AgentSummary, readonly Concern[]>()

/** All concerns of an agent, also those that begin later; its state never changes, so they are found once. */
function concernsOf(agent: AgentSummary): readonly Concern[] {
  const found = known.get(agent)
  if (found) return found
  const all = toConcerns(agent, undefined)
  known.set(agent, all)
  return all
}

function toConcerns(agent: AgentSummary, askedAt: string | undefined): Concern[] {
  return concernKinds.flatMap((kind) => {
    const since = (rules[kind] satisfies Rule as Rule).from(agent, askedAt)
    return since === undefined ? [] : [{ kind, since }]
  })
}

/** The most urgent concern now. `askedAt`: when it asked what is not answered yet. */
export function concernOf(agent: AgentSummary, now: number, askedAt?: string): Concern | undefined {
  const concerns = askedAt === undefined ? concernsOf(agent) : toConcerns(agent, askedAt)
  return concerns.find(({ since }) => since <= now)
}

export const labelOf = (kind: ConcernKind): string => rules[kind].label

/** "runtime lost 4m ago, was working" */
export function sayConcern({ kind, since }: Concern, agent: AgentSummary, now: number): string {
  return (rules[kind] as Rule).say(agent, Math.max(0, now - since))
}

/** Whether the agent, which may have changed since, still has the concern. */
export function hasConcern(agent: AgentSummary, { kind }: Concern): boolean {
  if (kind === 'unanswered') return agent.open_requests > 0
  return concernsOf(agent).some((one) => one.kind === kind)
}

export type Concerns = ReadonlyMap<string, Concern>
export const noConcerns: Concerns = new Map()

/** How many agents have each kind of concern, the most urgent first. */
export function countKinds(concerns: Concerns): [kind: ConcernKind, count: number][] {
  const counts = new Map<ConcernKind, number>()
  for (const { kind } of concerns.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return concernKinds.flatMap((kind) => {
    const count = counts.get(kind)
    return count === undefined ? [] : [[kind, count]]
  })
}

/** "1 failed, 2 lost" */
export function sayKinds(concerns: Concerns): string {
  return countKinds(concerns)
    .map(([kind, count]) => `${count} ${labelOf(kind)}`)
    .join(', ')
}

/** The concerns of all these agents. */
export function findConcerns(
  agents: Iterable<AgentSummary>,
  now: number,
  askedAt: (agent_id: string) => string | undefined,
): Concerns {
  const concerns = new Map<string, Concern>()
  for (const agent of agents) {
    const concern = concernOf(agent, now, agent.open_requests > 0 ? askedAt(agent.id) : undefined)
    if (concern) concerns.set(agent.id, concern)
  }
  return concerns
}
