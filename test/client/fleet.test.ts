import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fleet } from '#src/client/watch/fleet.ts'
import { toAgentSummary } from '#src/domain/agent.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { anAgent, NOW } from '../domain/an-agent.ts'

const agent = toAgentSummary(anAgent())
const actor = { kind: 'system', id: null } as const
const eventOf = (seq: number): EventFrame => ({
  type: 'event',
  project_id: agent.project_id,
  seq,
  epoch: 1,
  name: 'agent.updated',
  at: NOW,
  actor,
  agent: { ...agent, seq, current_task: `task ${seq}` },
})

describe('a fleet', () => {
  it('takes only the next event: an older one is known, a later one is a gap', () => {
    const start = fc.nat(20)
    fc.assert(
      fc.property(start, fc.array(fc.nat(40), { maxLength: 60, size: 'max' }), (start, seqs) => {
        const fleet = new Fleet()
        const told: number[] = []
        fleet.on('change', ({ event }) => told.push(event.seq))
        fleet.begin({ seq: start, epoch: 1 })
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

  it('keeps its state until a new snapshot is complete, and has none before the first', () => {
    const fleet = new Fleet()
    expect(fleet.apply(eventOf(1))).toBe('gap')
    fleet.begin({ seq: 5, epoch: 1 })
    expect(fleet.addPage([agent], false)).toBeUndefined()
    expect([fleet.seq, fleet.agents.size]).toEqual([undefined, 0])
    expect(fleet.addPage([{ ...agent, id: 'another' }], true)).toBe('start')
    expect([fleet.seq, fleet.agents.size]).toEqual([5, 2])
    fleet.begin({ seq: 9, epoch: 2, reason: 'unknown' })
    expect(fleet.addPage([], false)).toBeUndefined()
    fleet.abandon()
    expect(fleet.addPage([], true)).toBeUndefined()
    expect([fleet.seq, fleet.epoch, fleet.agents.size]).toEqual([5, 1, 2])
    fleet.begin({ seq: 3, epoch: 2, reason: 'unknown' })
    expect(fleet.addPage([agent], true)).toBe('unknown')
    expect([fleet.seq, fleet.epoch, fleet.agents.size]).toEqual([3, 2, 1])
  })
})
