import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fleet } from '#src/client/fleet.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { EventFrame } from '#src/protocol/frames.ts'
import { anAgent, NOW } from '../domain/an-agent.ts'

const agent = toAgentSummary(anAgent())
const actor = { kind: 'system', id: null } as const
const eventOf = (seq: number): EventFrame => ({
  type: 'event',
  project_id: agent.project_id,
  seq,
  name: 'agent.updated',
  at: NOW,
  actor,
  agent: { ...agent, seq, current_task: `task ${seq}` },
})

describe('a fleet', () => {
  it('takes the next event alone: what it has is known, and what is too early is a gap', () => {
    const start = fc.nat(20)
    fc.assert(
      fc.property(start, fc.array(fc.nat(40), { maxLength: 60 }), (start, seqs) => {
        const fleet = new Fleet()
        const told: number[] = []
        fleet.on('change', ({ event }) => told.push(event.seq))
        fleet.begin(start)
        fleet.addPage([agent], true)
        for (const seq of seqs) {
          const last = fleet.seq ?? 0
          const place = fleet.apply(eventOf(seq))
          expect(place).toBe(seq === last + 1 ? 'next' : seq <= last ? 'known' : 'gap')
        }
        expect(told).toEqual(told.map((_, index) => start + 1 + index))
        expect(fleet.seq).toBe(start + told.length)
        const task = told.length > 0 ? `task ${fleet.seq}` : null
        expect(fleet.agents.get(agent.id)?.current_task).toBe(task)
      }),
    )
  })

  it('keeps what it had until a new snapshot is whole, and knows nothing before the first', () => {
    const fleet = new Fleet()
    expect(fleet.apply(eventOf(1))).toBe('gap')
    fleet.begin(5)
    expect(fleet.addPage([agent], false)).toBeUndefined()
    expect([fleet.seq, fleet.agents.size]).toEqual([undefined, 0])
    expect(fleet.addPage([{ ...agent, id: 'another' }], true)).toBe('start')
    expect([fleet.seq, fleet.agents.size]).toEqual([5, 2])
    fleet.begin(9, 'expired')
    expect(fleet.addPage([], false)).toBeUndefined()
    fleet.abandon()
    expect(fleet.addPage([], true)).toBeUndefined()
    expect([fleet.seq, fleet.agents.size]).toEqual([5, 2])
    fleet.begin(9, 'expired')
    expect(fleet.addPage([agent], true)).toBe('expired')
    expect([fleet.seq, fleet.agents.size]).toEqual([9, 1])
  })
})
