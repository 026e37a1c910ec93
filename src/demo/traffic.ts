import { setTimeout as sleep } from 'node:timers/promises'
import { makeMove } from './behaviour.ts'
import { between } from './chance.ts'
import { type Client, Refusal } from './client.ts'
import { type Fleet, type Line, openAgent, topUp } from './fleet.ts'

/** Between two moves: some seven changes a second in all, with the requests themselves. */
const PAUSE_MS = [50, 170] as const
const AFTER_FAILURE_MS = 1_000

/** Keeps the fleet moving until `stopping`. Prints what fails, unless two things merely raced. */
export async function runTraffic(client: Client, fleet: Fleet, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const pause = await takeTurn(client, fleet).catch((error: unknown) => {
      if (stopping.aborted || (error instanceof Refusal && error.status === 422)) return 0
      console.error(`demo: ${describe(error)}`)
      return AFTER_FAILURE_MS
    })
    await sleep(pause, undefined, { signal: stopping }).catch(() => {})
  }
}

/** One move of one agent. The agent is read anew, since others may have paused or ended it meanwhile. */
async function takeTurn(client: Client, fleet: Fleet): Promise<number> {
  await topUp(client, fleet)
  const { line, agent_id } = chooseAgent(fleet)
  const handle = await openAgent(client, line.project.id, agent_id)
  const has_moved = await makeMove(handle)
  const { status } = handle.agent
  if (status === 'terminated') line.agent_ids = line.agent_ids.filter((id) => id !== agent_id)
  return has_moved ? between(...PAUSE_MS) : 0
}

/** Any agent is as likely as any other. */
function chooseAgent({ lines }: Fleet): { line: Line; agent_id: string } {
  const all = lines.flatMap((line) => line.agent_ids.map((agent_id) => ({ line, agent_id })))
  const chosen = all[between(0, all.length - 1)]
  if (!chosen) throw new Error('the demo has no agents')
  return chosen
}

/** A failed fetch says why in its cause. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
