import { text as readAll } from 'node:stream/consumers'
import type { Api } from '#src/client/rest.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { CliError } from './failure.ts'
import { resolveAgent } from './resolve.ts'

/** Which agents an action is for: these, by id, with what they were called; or all that are not terminated. */
export type Selection = {
  named: ReadonlyMap<string, string> | undefined
  /** Of those, the ones in it. */
  status: AgentStatus | undefined
}

type Said = { named: string[]; all: boolean; status: AgentStatus | undefined }

export function assertSaid({ named, all }: Pick<Said, 'named' | 'all'>): void {
  if (all === named.length > 0) throw new CliError('usage', 'Name agents, or say --all')
}

export async function selectAgents(
  api: Api,
  project_id: string,
  { named, all, status }: Said,
): Promise<Selection> {
  if (all) return { named: undefined, status }
  const found = new Map<string, string>()
  for (const reference of await readNames(named)) {
    found.set(await resolveAgent(api, project_id, reference), reference)
  }
  if (found.size === 0) throw new CliError('failed', 'There are no agents on stdin')
  return { named: found, status }
}

/** `-` stands for what is on stdin, an agent a line. */
async function readNames(named: readonly string[]): Promise<string[]> {
  if (!named.includes('-')) return [...named]
  const lines = (await readAll(process.stdin)).split('\n').map((line) => line.trim())
  return [...named.filter((name) => name !== '-'), ...lines.filter((line) => line !== '')]
}

export async function countSelected(
  api: Api,
  project_id: string,
  { named, status }: Selection,
): Promise<number> {
  if (named) return named.size
  const { by_status, total_instances } = await api.agents.metrics(project_id)
  return status ? (by_status[status] ?? 0) : total_instances - (by_status.terminated ?? 0)
}
