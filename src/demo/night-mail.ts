import { setTimeout as sleep } from 'node:timers/promises'
import { ClosedError, connect, type RunningAgent, runAgent } from '#src/client/index.ts'
import * as cast from './cast.ts'
import { between, pick } from './chance.ts'
import { habits } from './runtimes.ts'

const STEP_MS = 2_000

/**
 * An agent whose process is killed now and then, and started again: it registers under its name and is found. Once an
 * operator has terminated it, it does not come back until its name is released.
 */
export async function runNightMail(url: string, token: string, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    const connection = connect({ url, token })
    try {
      const agent = await runAgent({ ...habits, ...cast.nightMail, connection })
      const killed = AbortSignal.any([stopping, AbortSignal.timeout(between(25, 50) * 1_000)])
      await work(agent, killed)
      if (agent.signal.aborted) await agent.close()
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error
    }
    // As when a process is killed: the connection is gone, and with it what was not reported yet.
    connection.close()
    await sleep(between(4, 9) * 1_000, undefined, { signal: stopping }).catch(() => {})
  }
}

/** Returns when the agent is killed or terminated. */
async function work(agent: RunningAgent, killed: AbortSignal): Promise<void> {
  const over = AbortSignal.any([killed, agent.signal])
  const ended = new Promise((resolve) => over.addEventListener('abort', resolve))
  while (!over.aborted) {
    await Promise.race([agent.checkpoint(), ended]).catch(() => {})
    if (over.aborted) return
    const tokens_used = between(100, 900)
    void agent.report({ status: 'working', current_task: pick(cast.tasks), usage: { tokens_used } })
    await sleep(STEP_MS, undefined, { signal: AbortSignal.any([over, agent.interruptSignal()]) }).catch(
      () => {},
    )
  }
}
