import { describe, expect, it } from 'vitest'
import type { AgentState } from '#src/domain/agent.ts'
import type { Control } from '#src/domain/control.ts'
import {
  assertNewestLease,
  decideAttach,
  decideDisconnect,
  decideMessage,
  decideRestore,
  MAX_PENDING_MESSAGES,
} from '#src/domain/runtime.ts'
import { aControl, aMessage } from './a-signal.ts'
import { anAgent, context, LATER, NOW } from './an-agent.ts'

const OLD = 'replica 1'
const linked = { runtime_connected: true, runtime_since: NOW, runtime_replica: OLD, lease: 4 }
const unlinked = { ...linked, runtime_connected: false, runtime_replica: null }

describe('an attach', () => {
  it('connects the agent to the replica, with the next lease, and changes nothing else', () => {
    for (const before of [anAgent(), anAgent(linked), anAgent({ ...unlinked, status: 'paused' })]) {
      expect(decideAttach(before, { replica: 'replica 2' }, LATER)).toEqual({
        agent: {
          ...before,
          runtime_connected: true,
          runtime_since: LATER,
          runtime_replica: 'replica 2',
          lease: before.lease + 1,
        },
        event: { name: 'agent.runtime_connected' },
      })
    }
  })

  it('of a terminated agent is possible until its runtime has acknowledged the end and every answer', () => {
    const attach = (control: Control | null) =>
      decideAttach(anAgent({ status: 'terminated', control }), { replica: OLD }, LATER).agent.lease
    for (const state of ['pending', 'delivered'] as const) {
      expect(attach(aControl({ kind: 'terminate', state }))).toBe(1)
    }
    const refused = expect.objectContaining({
      kind: 'agent_terminated',
      problems: [{ message: 'Agent is terminated', field: 'agent_id' }],
    })
    const owed = anAgent({ status: 'terminated', pending_answers: 1 })
    expect(decideAttach(owed, { replica: OLD }, LATER).agent.lease).toBe(1)
    for (const control of [
      null,
      aControl({ kind: 'terminate', state: 'done' }),
      aControl({ kind: 'terminate', state: 'failed' }),
      aControl({ kind: 'pause', state: 'pending' }),
    ]) {
      expect(() => attach(control)).toThrow(refused)
    }
  })
})

describe('the end of a link', () => {
  it.each([
    ['by its lease', { lease: 4 }],
    ['with its replica', { replica: OLD }],
  ])('%s disconnects the agent, and keeps its lease and status', (_, ended) => {
    const before = anAgent({ ...linked, status: 'working' })
    expect(decideDisconnect(before, ended, LATER)).toEqual({
      agent: { ...before, runtime_connected: false, runtime_since: LATER, runtime_replica: null },
      event: { name: 'agent.runtime_disconnected' },
    })
  })

  it.each([
    ['that was replaced', linked, { lease: 3 }],
    ['of another replica', linked, { replica: 'replica 2' }],
    ['that is known to have ended', unlinked, { lease: 4 }],
    ['of a replica whose links are known to have ended', unlinked, { replica: OLD }],
  ])('%s changes nothing', (_, before, ended) => {
    expect(decideDisconnect(anAgent(before), ended, LATER)).toBeUndefined()
  })
})

describe('a link that was declared lost', () => {
  it('comes back with its lease, unless it was replaced or never lost', () => {
    const link = { lease: 4, replica: OLD }
    expect(decideRestore(anAgent(unlinked), link, LATER)).toEqual({
      agent: anAgent({ ...linked, runtime_since: LATER }),
      event: { name: 'agent.runtime_connected' },
    })
    expect(decideRestore(anAgent({ ...unlinked, lease: 5 }), link, LATER)).toBeUndefined()
    expect(decideRestore(anAgent(linked), link, LATER)).toBeUndefined()
  })

  it('may not speak for its agent once a newer one has replaced it', () => {
    const replaced = expect.objectContaining({ kind: 'replaced' })
    expect(() => assertNewestLease(anAgent(linked), 4)).not.toThrow()
    for (const lease of [3, 5]) expect(() => assertNewestLease(anAgent(linked), lease)).toThrow(replaced)
  })
})

describe('a message', () => {
  it('is issued, counted, and an event with its signal', () => {
    const payload = { text: 'hello' }
    const { agent, event, issued } = decideMessage(anAgent({ pending_messages: 2 }), payload, context)
    expect(agent).toEqual(anAgent({ pending_messages: 3 }))
    expect(event).toEqual({
      name: 'agent.signal_sent',
      signal: {
        id: context.signal_id,
        kind: 'message',
        payload,
        reason: null,
        mode: null,
        issued_at: LATER,
        attempt: 1,
      },
    })
    const {
      agent_id: _,
      seq: __,
      traceparent: ___,
      ...unsent
    } = aMessage({ id: context.signal_id, payload, issued_at: LATER })
    expect(issued).toEqual(unsent)
  })

  it('is refused for a terminated agent, and for one with 1,000 pending messages', () => {
    const send = (own: Partial<AgentState>) => decideMessage(anAgent(own), {}, context)
    const ended = expect.objectContaining({
      kind: 'invalid',
      problems: [{ message: 'Agent is terminated', field: 'status' }],
    })
    expect(() => send({ status: 'terminated' })).toThrow(ended)
    expect(send({ pending_messages: MAX_PENDING_MESSAGES - 1 }).agent.pending_messages).toBe(
      MAX_PENDING_MESSAGES,
    )
    expect(() => send({ pending_messages: MAX_PENDING_MESSAGES })).toThrow(
      expect.objectContaining({ kind: 'conflict' }),
    )
  })
})
