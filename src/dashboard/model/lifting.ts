import { signal } from '@preact/signals'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Block } from './blocks.ts'

/** A dialog about a hold or a limit; `agents`: those whose resume it stands in the way of. */
export type Lifting = { kind: 'place' } | { kind: 'lift'; block: Block; agents: readonly AgentSummary[] }

const asked = signal<Lifting | undefined>(undefined)

export const lifting = asked

export function startHold(): void {
  asked.value = { kind: 'place' }
}

export function startLifting(block: Block, agents: readonly AgentSummary[] = []): void {
  asked.value = { kind: 'lift', block, agents }
}

export function dropLifting(): void {
  asked.value = undefined
}
