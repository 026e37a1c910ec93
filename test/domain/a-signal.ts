import type { Control } from '#src/domain/control.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import { anAgent, context, NOW } from './an-agent.ts'

/** The control of a pause that was asked for and not delivered, with what a test cares about. */
export function aControl(own: Partial<Control> = {}): Control {
  return {
    signal_id: 'c',
    kind: 'pause',
    state: 'pending',
    reason: null,
    requested_by: context.actor,
    requested_at: NOW,
    acknowledged_at: null,
    resume_at: null,
    mode: 'checkpoint',
    cause: { kind: 'order', id: null },
    ...own,
  }
}

/** The signal of `aControl`, or with another kind and id some other one. */
export function aSignal(own: Partial<SignalRecord> = {}): SignalRecord {
  return {
    id: 'c',
    agent_id: anAgent().id,
    seq: 1,
    kind: 'pause',
    payload: null,
    reason: null,
    mode: null,
    issued_at: NOW,
    attempt: 0,
    delivered_at: null,
    acknowledged_at: null,
    outcome: null,
    detail: null,
    overdue_at: null,
    fetched_at: null,
    traceparent: null,
    ...own,
  }
}
export const aMessage = (own: Partial<SignalRecord> = {}) => aSignal({ id: 'm', kind: 'message', ...own })
