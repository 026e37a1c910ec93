import { setImmediate } from 'node:timers/promises'
import type { AgentState } from '#src/domain/agent.ts'
import { type LockedAgent, readWithoutMemories } from '#src/store/agents.ts'
import { SLICE_AGENTS } from './bounds.ts'
import { toSlices } from './slices.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/**
 * Decides about every agent of a fleet and writes slice by slice, so that neither memory nor a turn of the event loop grows
 * with the fleet. The agents and their projects are locked. `decide` applies its changes to `work`; agents come in their
 * order, without their memories.
 */
export async function decideInSlices(
  work: UnitOfWork,
  locked: readonly LockedAgent[],
  decide: (agent: AgentState) => void,
): Promise<void> {
  const slices = toSlices(locked, SLICE_AGENTS)
  const read = () => {
    const { value: slice } = slices.next()
    const agents =
      slice &&
      readWithoutMemories(
        work.sql,
        slice.map(({ id }) => id),
      )
    // If the transaction fails before `agents` is awaited, the transaction's error is the one to report.
    agents?.catch(() => {})
    return agents
  }
  let next = read()
  while (next) {
    const agents: AgentState[] = await next
    // Read before this slice is written, so that the database and this process work at the same time.
    next = read()
    work.take(agents)
    for (const agent of agents) decide(agent)
    await work.write()
    await setImmediate()
  }
}

/** Parents before their children. Agents of one level stay in their order. */
export function topDown(locked: readonly LockedAgent[]): LockedAgent[] {
  const levels = Map.groupBy(locked, ({ depth }) => depth)
  const depths = [...levels.keys()].sort((one, other) => one - other)
  return depths.flatMap((depth) => levels.get(depth) ?? [])
}
