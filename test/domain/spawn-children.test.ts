import { describe, expect, it } from 'vitest'
import type { AgentState } from '#src/domain/agent.ts'
import { decideSpawn } from '#src/domain/spawn.ts'
import { aControl } from './a-signal.ts'
import { anAgent, context, input, LATER, parents } from './an-agent.ts'

const child = '00000000-0000-4000-8000-00000000000c'
const spawnUnder = (parent: AgentState | undefined, own = {}) =>
  decideSpawn(
    { ...input, parent_id: anAgent().id, ...own },
    { ...parents, parent },
    { ...context, id: child },
  )
const refusal = (message: string) =>
  expect.objectContaining({ kind: 'invalid', problems: [{ message, field: 'parent_id' }] })

describe('the spawn of a child', () => {
  it.each(['idle', 'working', 'waiting'] as const)('under a %s parent is as any other', (status) => {
    const { agent, event, issued } = spawnUnder(anAgent({ status, depth: 3 }), { status: 'working' })
    expect(agent).toMatchObject({ status: 'working', parent_id: anAgent().id, depth: 4, control: null })
    expect({ event, issued }).toEqual({ event: { name: 'agent.spawned' }, issued: undefined })
  })

  it('is refused without a live parent in the project', () => {
    const missing = refusal('Must be the id of a live agent of the same project')
    expect(() => spawnUnder(undefined)).toThrow(missing)
    expect(() => spawnUnder(anAgent({ status: 'terminated' }))).toThrow(missing)
  })

  it('is refused on the seventeenth level', () => {
    expect(spawnUnder(anAgent({ depth: 15 })).agent.depth).toBe(16)
    expect(() => spawnUnder(anAgent({ depth: 16 }))).toThrow(
      refusal("A tree has at most 16 levels, and agent 'Ada' is on the last one"),
    )
  })

  it('under a paused parent starts paused, with the pause of its parent', () => {
    const requested_by = { kind: 'api_key', id: 'k' } as const
    const control = aControl({ reason: 'storm', requested_by, mode: 'interrupt', resume_at: LATER })
    const parent = anAgent({ status: 'paused', control, resume_at: LATER })
    const { agent, event, issued } = spawnUnder(parent, { status: 'working' })
    expect(agent).toMatchObject({ status: 'paused', resume_at: null })
    expect(agent.control).toEqual({
      signal_id: context.signal_id,
      kind: 'pause',
      state: 'pending',
      reason: 'storm',
      requested_by,
      requested_at: LATER,
      acknowledged_at: null,
      resume_at: null,
      mode: 'interrupt',
      cause: { kind: 'parent', id: parent.id },
    })
    expect(event).toMatchObject({ name: 'agent.spawned', signal: { kind: 'pause', mode: 'interrupt' } })
    expect(issued).toMatchObject({ id: context.signal_id, kind: 'pause', outcome: null })
  })

  it('under a parent that was spawned as paused is a pause by whom spawns it', () => {
    const { control } = spawnUnder(anAgent({ status: 'paused' })).agent
    expect(control).toMatchObject({
      reason: null,
      requested_by: context.actor,
      mode: 'checkpoint',
      cause: { kind: 'parent', id: anAgent().id },
    })
  })

  it('that asks for paused itself is an order, also under a paused parent', () => {
    const control = aControl({ reason: 'storm', mode: 'interrupt' })
    const { agent } = spawnUnder(anAgent({ status: 'paused', control }), { status: 'paused' })
    expect(agent.control).toMatchObject({
      reason: null,
      requested_by: context.actor,
      mode: 'checkpoint',
      cause: { kind: 'order', id: null },
    })
    expect(spawnUnder(anAgent(), { status: 'paused' }).agent.control).toBeNull()
  })
})
