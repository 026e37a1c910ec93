import { links } from './links.ts'
import type { ProjectLive } from './project-live.ts'

/** What usage can be grouped by, beside the keys of labels. */
export const groupings = {
  model: 'Model',
  agent_type: 'Agent type',
  agent: 'Agent',
  provider: 'Provider',
} as const

const LABEL = 'label:'
const without: Partial<Record<string, string>> = { model: 'No model', provider: 'No provider' }

/** The keys of the labels of a project's agents. */
export function labelKeys(live: ProjectLive): string[] {
  const keys = new Set<string>()
  for (const { labels } of live.agents.values()) for (const key of Object.keys(labels)) keys.add(key)
  return [...keys].sort()
}

export const byLabel = (key: string): string => LABEL + key

export function sayGrouping(by: string): string {
  return by.startsWith(LABEL)
    ? `Label ${by.slice(LABEL.length)}`
    : (Object.entries(groupings).find(([name]) => name === by)?.[1] ?? by)
}

/** The name of a group, and where its agents are. */
export function nameGroup(
  live: ProjectLive,
  by: string,
  key: string | null,
): { name: string; link: string | undefined } {
  if (key === null) return { name: without[by] ?? 'Without this label', link: undefined }
  const { project_id } = live
  if (by === 'agent') return { name: live.nameOf(key), link: links.agent(project_id, key) }
  if (by === 'agent_type') {
    const agent = [...live.agents.values()].find(({ agent_type_slug }) => agent_type_slug === key)
    return agent
      ? { name: agent.agent_type_name, link: links.typed(project_id, agent.agent_type_id) }
      : { name: key, link: undefined }
  }
  if (!by.startsWith(LABEL)) return { name: key, link: undefined }
  const link = links.labelled(project_id, by.slice(LABEL.length), key)
  return { name: key === '' ? '(empty)' : key, link }
}
