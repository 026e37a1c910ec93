import type { LockedAgent } from '#src/store/agents.ts'
import { SLICE_BYTES } from './bounds.ts'

/** Agents in their order, at most `most` and SLICE_BYTES of them at a time; a larger agent comes alone. */
export function* toSlices<Agent extends Pick<LockedAgent, 'bytes'>>(
  agents: readonly Agent[],
  most: number,
): Generator<Agent[], undefined> {
  let slice: Agent[] = []
  let bytes = 0
  for (const agent of agents) {
    slice.push(agent)
    bytes += agent.bytes
    if (slice.length < most && bytes < SLICE_BYTES) continue
    yield slice
    slice = []
    bytes = 0
  }
  if (slice.length > 0) yield slice
  return undefined
}
