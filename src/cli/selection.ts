import { text as readAll } from 'node:stream/consumers'
import type { Api } from '#src/client/rest/rest.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { CliError } from './failure.ts'
import { resolveAgent } from './resolve.ts'

/** The agents of an action: named ones, from their ids to their names; or all that are not terminated. */
export type Selection = {
  named: ReadonlyMap<string, string> | undefined
  /** Only agents in this status. */
  status: AgentStatus | undefined
  /** Of all, only agents with these labels. */
  selector: string | undefined
}

type SelectionOptions = {
  named: string[]
  all: boolean
  status: AgentStatus | undefined
  selector: string | undefined
}

export function assertSelection({ named, all, selector }: Omit<SelectionOptions, 'status'>): void {
  const isByRule = all || selector !== undefined
  if (isByRule === named.length > 0) throw new CliError('usage', 'Name agents, or use --all or --selector')
}

export async function selectAgents(
  api: Api,
  project_id: string,
  { named, all, status, selector }: SelectionOptions,
): Promise<Selection> {
  if (all || selector !== undefined) return { named: undefined, status, selector }
  const agents = new Map<string, string>()
  for (const reference of await readNames(named)) {
    agents.set(await resolveAgent(api, project_id, reference), reference)
  }
  if (agents.size === 0) throw new CliError('failed', 'There are no agents on stdin')
  return { named: agents, status, selector }
}

/** `-` reads agents from stdin, one per line. */
async function readNames(named: readonly string[]): Promise<string[]> {
  if (!named.includes('-')) return [...named]
  const lines = (await readAll(process.stdin)).split('\n').map((line) => line.trim())
  return [...named.filter((name) => name !== '-'), ...lines.filter((line) => line !== '')]
}

export async function countSelected(
  api: Api,
  project_id: string,
  { named, status, selector }: Selection,
): Promise<number> {
  if (named) return named.size
  const { by_status, total_instances } = await api.agents.metrics(project_id, { selector })
  return status ? (by_status[status] ?? 0) : total_instances - (by_status.terminated ?? 0)
}
