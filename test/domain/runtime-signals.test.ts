import { describe, expect, it } from 'vitest'
import { decideAcknowledgement, decideDelivery, decideOverdue } from '#src/domain/runtime.ts'
import type { SignalOutcome, SignalRecord } from '#src/domain/signal.ts'
import { aControl, aMessage, aSignal } from './a-signal.ts'
import { anAgent, LATER, NOW } from './an-agent.ts'

describe('a delivery', () => {
  const agent = anAgent({ status: 'paused', control: aControl() })
  const deliver = (signal: SignalRecord, of = agent) => decideDelivery(of, [{ signal, attempt: 1 }], LATER)

  it('of the newest control signal shows, the first time', () => {
    const change = deliver(aSignal())
    const delivered = aSignal({ attempt: 1, delivered_at: LATER })
    expect(change).toEqual({
      agent: { ...agent, control: aControl({ state: 'delivered' }) },
      event: { name: 'agent.updated' },
      signals: [delivered],
    })
    const again = decideDelivery(change?.agent ?? agent, [{ signal: delivered, attempt: 2 }], 'later still')
    expect(again).toEqual({ agent: change?.agent, signals: [{ ...delivered, attempt: 2 }] })
  })

  it('of a message, or of an older control signal, is noted without an event', () => {
    for (const signal of [aMessage(), aSignal({ id: 'older' })]) {
      expect(deliver(signal)).toEqual({ agent, signals: [{ ...signal, attempt: 1, delivered_at: LATER }] })
    }
  })

  it('of several signals is one change', () => {
    const signals = [aMessage(), aSignal(), aMessage({ id: 'n' })]
    const change = decideDelivery(
      agent,
      signals.map((signal) => ({ signal, attempt: 1 })),
      LATER,
    )
    expect(change?.event).toEqual({ name: 'agent.updated' })
    expect(change?.signals).toEqual(signals.map((signal) => ({ ...signal, attempt: 1, delivered_at: LATER })))
  })

  it('that is noted late never lowers the number of attempts', () => {
    expect(deliver(aMessage({ attempt: 3, delivered_at: NOW }))?.signals).toEqual([
      aMessage({ attempt: 3, delivered_at: NOW }),
    ])
  })

  it('of a signal with an outcome, or of none, changes nothing', () => {
    for (const outcome of ['done', 'failed', 'superseded'] as const) {
      expect(deliver(aSignal({ outcome }))).toBeUndefined()
    }
    expect(decideDelivery(agent, [], LATER)).toBeUndefined()
  })
})

describe('a control signal that waits too long', () => {
  const agent = anAgent({ control: aControl({ state: 'delivered' }) })

  it('makes one event', () => {
    const change = decideOverdue(agent, aSignal(), LATER)
    expect(change).toEqual({
      agent,
      event: { name: 'agent.signal_overdue' },
      signals: [aSignal({ overdue_at: LATER })],
    })
    expect(decideOverdue(agent, change?.signals?.[0], LATER)).toBeUndefined()
  })

  it.each<[string, SignalRecord | undefined]>([
    ['an unknown one', undefined],
    ['a message', aMessage()],
    ['one that is done', aSignal({ outcome: 'done' })],
    ['one that is superseded', aSignal({ outcome: 'superseded' })],
  ])('is never %s', (_, signal) => {
    expect(decideOverdue(agent, signal, LATER)).toBeUndefined()
  })
})

describe('an acknowledgement', () => {
  const agent = anAgent({ control: aControl({ state: 'delivered', resume_at: LATER }), pending_messages: 2 })
  const acknowledge = (
    signal: SignalRecord,
    outcome: 'done' | 'failed' = 'done',
    detail: string | null = null,
  ) => decideAcknowledgement(agent, { signal, outcome, detail }, LATER)

  it.each(['done', 'failed'] as const)('of the newest control signal shows that it is %s', (outcome) => {
    const signal = aSignal({ attempt: 2, delivered_at: NOW })
    const acknowledged = { ...signal, outcome, detail: 'so', acknowledged_at: LATER }
    expect(acknowledge(signal, outcome, 'so')).toEqual({
      outcome,
      change: {
        agent: {
          ...agent,
          control: aControl({ state: outcome, acknowledged_at: LATER, resume_at: LATER }),
        },
        event: {
          name: 'agent.signal_acknowledged',
          signal: {
            id: 'c',
            kind: 'pause',
            payload: null,
            reason: null,
            mode: null,
            issued_at: NOW,
            attempt: 2,
          },
        },
        signals: [acknowledged],
      },
    })
  })

  it('of an older control signal leaves the newest one pending', () => {
    const { change } = acknowledge(aSignal({ id: 'older' }))
    expect(change?.agent).toEqual(agent)
    expect(change?.event).toMatchObject({ name: 'agent.signal_acknowledged', signal: { id: 'older' } })
  })

  it('of a message lowers the count of pending ones, and leaves the control alone', () => {
    const { change } = acknowledge(aMessage())
    expect(change?.agent).toEqual({ ...agent, pending_messages: 1 })
    expect(change?.event).toMatchObject({ name: 'agent.signal_acknowledged', signal: { id: 'm' } })
  })

  it('that overtakes the note of its delivery counts as the delivery', () => {
    expect(acknowledge(aMessage()).change?.signals).toEqual([
      aMessage({ outcome: 'done', attempt: 1, delivered_at: LATER, acknowledged_at: LATER }),
    ])
  })

  it.each<SignalOutcome>(['done', 'failed', 'superseded'])(
    'of a signal that is %s already is answered with that, and changes nothing',
    (outcome) => {
      for (const said of ['done', 'failed'] as const) {
        expect(acknowledge(aSignal({ outcome }), said)).toEqual({ outcome })
        expect(acknowledge(aMessage({ outcome }), said)).toEqual({ outcome })
      }
    },
  )
})
