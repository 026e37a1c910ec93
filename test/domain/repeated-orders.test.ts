import { describe, expect, it } from 'vitest'
import type { AgentState } from '#src/domain/agent.ts'
import { Cascade } from '#src/domain/cascade.ts'
import { controlStates } from '#src/domain/control.ts'
import { type ActionRequest, decideAction } from '#src/domain/orders.ts'
import { decideAttach } from '#src/domain/runtime.ts'
import { decideUpdate } from '#src/domain/update.ts'
import { aControl } from './a-signal.ts'
import { anAgent, context, LATER, NOW } from './an-agent.ts'

const replica = '00000000-0000-4000-8000-00000000000e'
const control = aControl({ state: 'delivered', reason: 'lunch', mode: 'checkpoint', resume_at: NOW })
const paused = (own: Partial<AgentState> = {}) =>
  anAgent({ status: 'paused', control, resume_at: NOW, runtime_since: NOW, ...own })
const terminated = (own: Partial<AgentState> = {}) =>
  anAgent({
    status: 'terminated',
    terminated_at: NOW,
    control: aControl({ kind: 'terminate', mode: 'graceful' }),
    runtime_since: NOW,
    ...own,
  })
const request: ActionRequest = { reason: null, resume_at: null }
const pause = (agent: AgentState, own: Partial<ActionRequest> = {}) =>
  decideAction(agent, { action: 'pause', again: true, ...request, ...own }, context)
const terminate = (agent: AgentState, own: Partial<ActionRequest> = {}) =>
  decideAction(agent, { action: 'terminate', again: true, ...request, ...own }, context)
const refusal = (message: string) => expect.objectContaining({ problems: [{ message, field: 'status' }] })

describe('an order sent again', () => {
  it.each(controlStates.filter((state) => state !== 'done'))(
    'after one that is %s is a new signal',
    (state) => {
      const before = paused({ control: { ...control, state } })
      const { agent, event, issued } = pause(before, { mode: 'interrupt', reason: 'fire' })
      expect(agent).toEqual({
        ...before,
        control: {
          ...control,
          signal_id: context.signal_id,
          state: 'pending',
          reason: 'fire',
          mode: 'interrupt',
          requested_by: context.actor,
          requested_at: LATER,
        },
      })
      expect(event).toEqual({
        name: 'agent.signal_sent',
        signal: {
          id: context.signal_id,
          kind: 'pause',
          payload: null,
          reason: 'fire',
          mode: 'interrupt',
          issued_at: LATER,
          attempt: 1,
        },
      })
      expect(issued).toMatchObject({ id: context.signal_id, outcome: null, attempt: 0 })
    },
  )

  it('leaves reason, timer and cause as they are, unless it has new ones', () => {
    const byParent = { kind: 'parent', id: 'p' } as const
    const before = paused({ control: { ...control, mode: 'interrupt', cause: byParent } })
    expect(pause(before).agent).toMatchObject({
      resume_at: NOW,
      control: { reason: 'lunch', resume_at: NOW, mode: 'checkpoint', cause: byParent },
    })
    const { agent } = pause(before, { resume_at: LATER })
    expect(agent).toMatchObject({ resume_at: LATER, control: { resume_at: LATER, cause: byParent } })
  })

  it('may be a terminate, in which nothing else changes', () => {
    const before = terminated()
    const { agent, event } = terminate(before, { mode: 'now' })
    expect(agent).toEqual({ ...before, control: { ...agent.control } })
    expect(agent.control).toMatchObject({ kind: 'terminate', state: 'pending', mode: 'now' })
    expect(event).toMatchObject({ name: 'agent.signal_sent', signal: { kind: 'terminate', mode: 'now' } })
  })

  it('is refused once it is done, without any runtime so far, and where nothing was asked', () => {
    const done = { control: { ...control, state: 'done' as const } }
    const unfetched = { runtime_since: null, control: { ...control, state: 'pending' as const } }
    for (const own of [done, unfetched, { control: null }]) {
      expect(() => pause(paused(own))).toThrow(refusal('Cannot transition from paused to paused'))
    }
    expect(() => terminate(terminated({ runtime_since: null }))).toThrow(
      refusal('Agent is already terminated'),
    )
  })

  it('reaches a runtime that was never attached, once it has fetched the order over HTTP', () => {
    expect(pause(paused({ runtime_since: null })).event).toMatchObject({ name: 'agent.signal_sent' })
  })

  it('is refused where it is not asked for, and never a resume or another order', () => {
    expect(() => pause(paused(), { again: false })).toThrow(
      refusal('Cannot transition from paused to paused'),
    )
    expect(decideUpdate(paused(), { status: 'paused' }, context)).toBeUndefined()
    const idle = anAgent({ runtime_since: NOW, control: aControl({ kind: 'resume', mode: null }) })
    const resume = { action: 'resume', again: true, ...request } as const
    expect(() => decideAction(idle, resume, context)).toThrow(refusal('Cannot transition from idle to idle'))
    expect(() => pause(terminated())).toThrow(refusal('Cannot transition from terminated to paused'))
    // The first terminate of a paused agent is no repeat.
    expect(terminate(paused()).event).toMatchObject({ name: 'agent.terminated', from: 'paused' })
  })

  it('lets the runtime of an agent whose terminate failed attach again', () => {
    const failed = terminated({ control: aControl({ kind: 'terminate', state: 'failed' }) })
    expect(() => decideAttach(failed, { replica }, LATER)).toThrow('Agent is terminated')
    const { agent } = terminate(failed)
    expect(decideAttach(agent, { replica }, LATER).agent).toMatchObject({ runtime_connected: true })
  })
})

describe('an order sent again in a tree', () => {
  const root = { id: 'a', has_children: true }
  const child = (own: Partial<AgentState> = {}) =>
    paused({ id: 'b', parent_id: 'a', depth: 2, has_children: true, resume_at: null, ...own })
  const below = (own: Partial<AgentState> = {}) => child({ id: 'c', parent_id: 'b', depth: 3, ...own })
  const cause = { kind: 'parent', id: 'a' } as const
  const follow = (before: AgentState, others: AgentState[], { again = false } = {}) => {
    const cascade = new Cascade({ again })
    cascade.next(before, pause(before, { mode: 'interrupt', resume_at: LATER, again: true }), context)
    return others.map((agent) => cascade.next(agent, undefined, context))
  }

  it('reaches the descendants that have not obeyed either, each with its cause and its timer', () => {
    const others = [child({ control: { ...control, cause, resume_at: null } }), below({ resume_at: NOW })]
    const [one, two] = follow(paused(root), others)
    expect(one?.event).toMatchObject({ name: 'agent.signal_sent', signal: { mode: 'interrupt' } })
    expect(one?.agent).toMatchObject({ resume_at: null, control: { cause, resume_at: null } })
    expect(two?.agent).toMatchObject({ resume_at: NOW, control: { cause: control.cause, resume_at: NOW } })
  })

  it('leaves those that have obeyed, that run, or that have no runtime', () => {
    const done = child({ control: { ...control, state: 'done' } })
    const running = below({ status: 'working', control: aControl({ kind: 'resume' }) })
    expect(follow(paused(root), [done, running])).toEqual([undefined, undefined])
    const unfetched = { runtime_since: null, control: { ...control, state: 'pending' as const } }
    expect(follow(paused(root), [child(unfetched)])).toEqual([undefined])
  })

  it('goes on below an agent that was paused at its own limit', () => {
    const own = { ...control, cause: { kind: 'budget', id: null } as const }
    const [one] = follow(paused({ ...root, control: own }), [child()])
    expect(one?.event?.name).toBe('agent.signal_sent')
  })

  it('is not what a first order does, unless it says so', () => {
    const first = anAgent({ ...root, runtime_since: NOW })
    const running = below({ status: 'working' })
    const names = (again: boolean) =>
      follow(first, [child(), running], { again }).map((change) => change?.event?.name)
    expect(names(false)).toEqual([undefined, 'agent.status_changed'])
    expect(names(true)).toEqual(['agent.signal_sent', 'agent.status_changed'])
  })

  it('for several agents still pauses what runs below a first one', () => {
    const cascade = new Cascade({ again: true })
    const first = anAgent(root)
    cascade.next(first, pause(first), context)
    const repeated = child()
    cascade.next(repeated, pause(repeated), context)
    const change = cascade.next(below({ status: 'working' }), undefined, context)
    expect(change?.agent.control?.cause).toEqual({ kind: 'parent', id: 'b' })
  })
})
