import { defineEntity, p } from '@mikro-orm/core'
import { signalKinds, signalOutcomes } from '#src/domain/signal.ts'
import { AWAITED_FETCH, OPEN_ANSWER } from '../open-signals.ts'
import { AgentEntity } from './agent.ts'
import { column } from './columns.ts'

/** A signal to a runtime, open until it is acknowledged or superseded. */
const schema = defineEntity({
  name: 'Signal',
  tableName: 'signals',
  properties: {
    id: column.id(),
    agent: () => p.manyToOne(AgentEntity).deleteRule('cascade'),
    /** The number of the event that issued it. */
    seq: p.bigint('number'),
    kind: p.enum(signalKinds),
    payload: column.json<Record<string, unknown>>().nullable(),
    reason: p.text().nullable(),
    /** How soon to obey; null for a resume, a message or an answer. */
    mode: p.string().length(16).nullable(),
    issued_at: column.time(),
    /** How often it was delivered. */
    attempt: p.integer().default(0),
    delivered_at: column.time().nullable(),
    acknowledged_at: column.time().nullable(),
    /** Null, or `OPEN_ANSWER`, while the runtime has yet to acknowledge it. */
    outcome: p.enum([...signalOutcomes, OPEN_ANSWER]).nullable(),
    /** The runtime's words in its acknowledgement. */
    detail: p.text().nullable(),
    /** When the one event that it is overdue was emitted. */
    overdue_at: column.time().nullable(),
    /** Its last delivery over HTTP. */
    fetched_at: column.time().nullable(),
    /** The trace in which it was issued. */
    traceparent: p.string().length(55).nullable(),
  },
  indexes: [
    { name: 'signals_by_agent', properties: ['agent', 'seq'] },
    { name: 'signals_open', properties: ['agent', 'seq'], where: 'outcome is null' },
    { name: 'signals_open_answers', properties: ['agent', 'seq'], where: `outcome = '${OPEN_ANSWER}'` },
    { name: 'signals_fetched', properties: ['fetched_at'], where: AWAITED_FETCH },
  ],
})

export class SignalEntity extends schema.class {}
schema.setClass(SignalEntity)
