import { type Connection, type Reach, reach } from '#src/client/connection/connection.ts'
import { ClosedError } from '#src/client/connection/errors.ts'
import { within } from '#src/client/shared/timers.ts'
import { MAX_AGENTS } from '#src/protocol/bounds.ts'
import type { Identity, Registration } from './introduction.ts'
import { type AgentOptions, RunningAgent } from './running-agent.ts'

/** Every handler gets the signal and its agent. */
export type RunOptions = AgentOptions &
  Reach & {
    /** The longest time for the first attach; without it, the client waits for a server that is away. */
    timeout_ms?: number | undefined
  }

/**
 * Runs an agent: the one with `agent_id`, or one that introduces itself by `external_id`, `name` and `agent_type`. Resolves
 * when it is attached; rejects with a ClosedError when the server refuses that. After `timeout_ms` the error has the reason
 * `timeout`, and its cause says why the client is offline.
 */
export async function runAgent(options: RunOptions & Identity): Promise<RunningAgent> {
  const agent = new RunningAgent(reach(options), options, options)
  try {
    await whenAttached([agent], options.timeout_ms)
    return agent
  } catch (error) {
    await agent.close()
    throw error
  }
}

type Many = { agent_ids: readonly string[] } | { registrations: readonly Registration[] }

/**
 * Runs many agents, a thousand on a connection; a shared connection takes no more than that. Resolves when all are
 * attached; if one fails or takes longer than `timeout_ms`, it closes all of them and rejects.
 */
export async function runAgents(options: RunOptions & Many): Promise<RunningAgent[]> {
  const agents: RunningAgent[] = []
  let connection: Connection | undefined
  const identities: readonly Identity[] =
    'agent_ids' in options ? options.agent_ids.map((agent_id) => ({ agent_id })) : options.registrations
  try {
    for (const [index, identity] of identities.entries()) {
      if (!connection || (index % MAX_AGENTS === 0 && !('connection' in options))) connection = reach(options)
      agents.push(new RunningAgent(connection, identity, options))
    }
    return await whenAttached(agents, options.timeout_ms)
  } catch (error) {
    await Promise.all(agents.map((agent) => agent.close()))
    throw error
  }
}

async function whenAttached(agents: RunningAgent[], timeout_ms: number | undefined): Promise<RunningAgent[]> {
  const all = Promise.all(agents.map((agent) => agent.whenAttached()))
  const late = () => {
    const states = agents.map(({ state }) => state)
    const offline = states.find((state) => state.kind === 'offline')
    return new ClosedError('timeout', offline?.error)
  }
  return timeout_ms === undefined ? all : within(timeout_ms, all, { late })
}
