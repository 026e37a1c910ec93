import { setTimeout as sleep } from 'node:timers/promises'
import { ClosedError } from '#src/client/index.ts'
import { makeMove } from './behaviour.ts'
import { between } from './chance.ts'
import { type Client, Refusal } from './client.ts'
import { type Fleet, type Line, openAgent } from './fleet.ts'
import { fill } from './newcomers.ts'
import type { Runtimes } from './runtimes.ts'

/** Between two moves: about seven changes a second in all, with the time of the requests. */
const PAUSE_MS = [50, 170] as const
const AFTER_FAILURE_MS = 1_000

/** Keeps the fleet moving until `stopping`. Prints each failure, except for a race with another change. */
export async function runTraffic(
  client: Client,
  { fleet, runtimes }: { fleet: Fleet; runtimes: Runtimes },
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const pause = await takeTurn(client, fleet, runtimes).catch((error: unknown) => {
      const isRace =
        error instanceof ClosedError
          ? error.reason !== 'refused'
          : error instanceof Refusal && error.status === 422
      if (stopping.aborted || isRace) return 0
      console.error(`demo: ${describe(error)}`)
      return AFTER_FAILURE_MS
    })
    await sleep(pause, undefined, { signal: stopping }).catch(() => {})
  }
}

/** One move of one agent. It reads the agent first, since another user may have paused or terminated it. */
async function takeTurn(client: Client, fleet: Fleet, runtimes: Runtimes): Promise<number> {
  for (const line of fleet) await fill(line, runtimes)
  const { line, external_id } = chooseAgent(fleet)
  const runtime = runtimes.of(external_id)
  if (!runtime || runtime.signal.aborted) return 0
  const hasMoved = await makeMove(await openAgent(client, runtime, line.project.id))
  return hasMoved ? between(...PAUSE_MS) : 0
}

function chooseAgent(fleet: Fleet): { line: Line; external_id: string } {
  const all = fleet.flatMap((line) => [...line.members.keys()].map((external_id) => ({ line, external_id })))
  const chosen = all[between(0, all.length - 1)]
  if (!chosen) throw new Error('the demo has no agents')
  return chosen
}

/** The reason of a failed fetch is in its cause. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
