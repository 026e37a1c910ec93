import type { Project } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { type Concern, type Concerns, concernKinds, hasConcern } from './attention.ts'

/** How many tiles fit beside and above each other, so that each can be read from three metres. */
export type WallGrid = { columns: number; rows: number }

/** For `count` tiles on a screen with this ratio of width to height; fewer tiles are larger. */
export function wallGrid(count: number, ratio: number): WallGrid {
  const [most, least] = ratio >= 1 ? [3, 2] : [1, 4]
  const columns = Math.min(most, count === 4 ? 2 : Math.max(1, count))
  return { columns, rows: Math.max(1, Math.min(least, Math.ceil(count / columns))) }
}

export type Weighed = { project: Project; urgency: number; count: number }

/** How urgent a project is; 0 is the most urgent, `calm` if nobody has to look. */
export function urgencyOf(concerns: Concerns): number {
  let urgency: number = calm
  for (const { kind } of concerns.values()) urgency = Math.min(urgency, concernKinds.indexOf(kind))
  return urgency
}

/** From here on, time is left to look. */
const mild = concernKinds.indexOf('unanswered')
export const calm = concernKinds.length

export const levelOf = (urgency: number): 'alarm' | 'mild' | 'calm' =>
  urgency < mild ? 'alarm' : urgency < calm ? 'mild' : 'calm'

/** The class of a number of agents that need attention. */
export const needsClass = (concerns: Concerns): string => `needs-${levelOf(urgencyOf(concerns))}`

/** Exceptions first: the most urgent, then those with the most agents that need attention, then by name. */
export function orderWall<Item extends Weighed>(items: readonly Item[]): Item[] {
  return [...items].sort(
    (left, right) =>
      left.urgency - right.urgency ||
      right.count - left.count ||
      left.project.name.localeCompare(right.project.name, 'en', { numeric: true }),
  )
}

/**
 * What is shown in this turn. Exceptions stay in sight, and the others take turns in the places that are left; where there
 * are too many exceptions for that, all take turns.
 */
export function wallPage<Item>(
  items: readonly Item[],
  { places, exceptions, turn }: { places: number; exceptions: number; turn: number },
): { shown: readonly Item[]; pages: number } {
  if (items.length <= places) return { shown: items, pages: 1 }
  const fixed = exceptions < places ? exceptions : 0
  const [free, rest] = [places - fixed, items.slice(fixed)]
  const pages = Math.ceil(rest.length / free)
  const from = (turn % pages) * free
  return { shown: [...items.slice(0, fixed), ...rest.slice(from, from + free)], pages }
}

/** The agents that need attention most, the longest first among equals. */
export function worst(
  agents: ReadonlyMap<string, AgentSummary>,
  concerns: Concerns,
  most: number,
): { agent: AgentSummary; concern: Concern }[] {
  return [...concerns]
    .flatMap(([id, concern]) => {
      const agent = agents.get(id)
      return agent && hasConcern(agent, concern) ? [{ agent, concern }] : []
    })
    .sort(
      (left, right) =>
        concernKinds.indexOf(left.concern.kind) - concernKinds.indexOf(right.concern.kind) ||
        left.concern.since - right.concern.since,
    )
    .slice(0, most)
}
