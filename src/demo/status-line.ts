import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { agentMetrics } from '#src/protocol/agents.ts'
import type { Client } from './client.ts'
import type { Fleet } from './fleet.ts'

const shown = ['working', 'waiting', 'idle', 'paused'] as const satisfies AgentStatus[]

/** Prints the state of the fleet: on a terminal as one line that is overwritten, else as a line every 10 s. */
export async function showStatus(client: Client, fleet: Fleet, stopping: AbortSignal): Promise<void> {
  const { isTTY } = process.stdout
  while (!stopping.aborted) {
    // The traffic meets and reports the same failure.
    const line = await readStatus(client, fleet).catch(() => undefined)
    if (line && !stopping.aborted) process.stdout.write(isTTY ? `\r\x1b[K${line}` : `${line}\n`)
    await sleep(isTTY ? 1_000 : 10_000, undefined, { signal: stopping }).catch(() => {})
  }
  if (isTTY) process.stdout.write('\n')
}

async function readStatus(client: Client, fleet: Fleet): Promise<string> {
  const paths = fleet.map(({ project }) => `/projects/${project.id}/agents/metrics`)
  const metrics = await Promise.all(paths.map((path) => client.send(agentMetrics, { method: 'GET', path })))
  const sum = (read: (one: (typeof metrics)[number]) => number) =>
    metrics.reduce((total, one) => total + read(one), 0)
  const counts = shown.map((status) => `${sum(({ by_status }) => by_status[status] ?? 0)} ${status}`)
  const tasks = sum((one) => one.total_tasks_completed).toLocaleString('en')
  const tokens = sum((one) => one.total_tokens_used).toLocaleString('en')
  return `${counts.join(', ')}; ${tasks} tasks completed with ${tokens} tokens`
}
