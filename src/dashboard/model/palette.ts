import { type ActionName, actionNames, actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { fold } from '#src/domain/text.ts'
import { isEnded } from './progress.ts'

/** How well a thing fits what is typed: less is better. */
const ranks = { starts: 0, wordStarts: 1, has: 2, elsewhere: 3, ended: 4 } as const

/** What is typed, as it is compared: each of its words has to be found. */
export type Wanted = { text: string; words: readonly string[] }

export function readWanted(typed: string): Wanted {
  const text = fold(typed.trim()).replaceAll(/\s+/g, ' ')
  return { text, words: text === '' ? [] : text.split(' ') }
}

/** Undefined if a word is neither in the name nor in `more`. */
export function rankOf(
  { text, words }: Wanted,
  name: string,
  more: readonly string[] = [],
): number | undefined {
  const known = fold(name)
  let others: string | undefined
  for (const word of words) {
    if (known.includes(word)) continue
    others ??= fold(more.join('\n'))
    if (!others.includes(word)) return undefined
  }
  if (known.startsWith(text)) return ranks.starts
  const at = known.indexOf(text)
  if (at < 0) return ranks.elsewhere
  return / /.test(known.charAt(at - 1)) ? ranks.wordStarts : ranks.has
}

export type Ranked<Item> = { item: Item; rank: number }

/** The best of these, in a stable order. */
export function best<Item>(found: Ranked<Item>[], most: number): Ranked<Item>[] {
  return found.sort((left, right) => left.rank - right.rank).slice(0, most)
}

type Fleet = { name: string; agents: Iterable<AgentSummary> }

/** Agents by name, ids, task, type, labels (`team=news`) and project; agents that have ended come last. */
export function findAgents(wanted: Wanted, fleets: Iterable<Fleet>, most: number): Ranked<AgentSummary>[] {
  if (wanted.text === '') return []
  const found: Ranked<AgentSummary>[] = []
  for (const { name, agents } of fleets) {
    for (const agent of agents) {
      const rank = rankAgent(wanted, agent, name)
      if (rank === undefined) continue
      found.push({ item: agent, rank: isEnded(agent) ? rank + ranks.ended : rank })
    }
  }
  found.sort((left, right) => left.rank - right.rank || compareNames(left.item, right.item))
  return found.slice(0, most)
}

function rankAgent(wanted: Wanted, agent: AgentSummary, project: string): number | undefined {
  if (agent.id.startsWith(wanted.text)) return ranks.starts
  const { name, current_task, agent_type_name, external_id, labels } = agent
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return rankOf(wanted, name, [current_task ?? '', agent_type_name, external_id ?? '', ...pairs, project])
}

function compareNames(left: AgentSummary, right: AgentSummary): number {
  return left.name.localeCompare(right.name, 'en', { numeric: true })
}

/** "pause ada" asks to pause what "ada" finds. */
export function readVerb({ text, words }: Wanted): { action: ActionName; rest: Wanted } | undefined {
  const [verb = '', ...others] = words
  if (verb.length < MIN_VERB || others.length === 0) return undefined
  const action = actionNames.find((name) => fold(actionRow(name).verb).startsWith(verb))
  return action && { action, rest: { text: text.slice(verb.length + 1), words: others } }
}

/** "t" alone would be too many things. */
const MIN_VERB = 2
