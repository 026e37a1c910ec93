import { MAX_AGENTS } from '#src/protocol/bounds.ts'
import { type Connection, type Reach, reach } from './connection.ts'
import type { Handlers } from './obedience.ts'
import { RunningAgent } from './running-agent.ts'

/** Every handler gets the signal and the agent that it is for. */
export type RunOptions = Handlers<RunningAgent> & Reach

/** Runs an agent. Resolves when it is attached; rejects with a ClosedError where it can't be. */
export async function runAgent(options: RunOptions & { agent_id: string }): Promise<RunningAgent> {
  return new RunningAgent(reach(options), options.agent_id, options).whenAttached()
}

/**
 * Runs many agents, a thousand on a connection; on one to share there is room for no more. Resolves when all are
 * attached; where one can't be, none is run.
 */
export async function runAgents(
  options: RunOptions & { agent_ids: readonly string[] },
): Promise<RunningAgent[]> {
  const agents: RunningAgent[] = []
  let connection: Connection | undefined
  try {
    for (const [index, agent_id] of options.agent_ids.entries()) {
      if (!connection || (index % MAX_AGENTS === 0 && !('connection' in options))) connection = reach(options)
      agents.push(new RunningAgent(connection, agent_id, options))
    }
    return await Promise.all(agents.map((agent) => agent.whenAttached()))
  } catch (error) {
    await Promise.all(agents.map((agent) => agent.close()))
    throw error
  }
}
