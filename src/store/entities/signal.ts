import { defineEntity, p } from '@mikro-orm/core'
import { controlKinds } from '#src/domain/agent.ts'
import { signalOutcomes } from '#src/domain/signal.ts'
import { AgentEntity } from './agent.ts'
import { column } from './columns.ts'

/** What a runtime is told: kept until acknowledged (or superseded), in the order of `seq`. */
const schema = defineEntity({
  name: 'Signal',
  tableName: 'signals',
  properties: {
    id: column.id(),
    agent: () => p.manyToOne(AgentEntity).deleteRule('cascade'),
    /** The number of the event that issued it. */
    seq: p.bigint('number'),
    kind: p.enum([...controlKinds, 'message']),
    payload: column.json<Record<string, unknown>>().nullable(),
    reason: p.text().nullable(),
    issued_at: column.time(),
    /** How often it was delivered. */
    attempt: p.integer().default(0),
    delivered_at: column.time().nullable(),
    acknowledged_at: column.time().nullable(),
    /** Null while the runtime has yet to acknowledge it. */
    outcome: p.enum(signalOutcomes).nullable(),
    /** What the runtime said with its acknowledgement. */
    detail: p.text().nullable(),
    /** When watchers were told that it is overdue: once. */
    overdue_at: column.time().nullable(),
    /** The trace in which it was issued. */
    traceparent: p.string().length(55).nullable(),
  },
  indexes: [
    { name: 'signals_by_agent', properties: ['agent', 'seq'] },
    { name: 'signals_open', properties: ['agent', 'seq'], where: 'outcome is null' },
  ],
})

export class SignalEntity extends schema.class {}
schema.setClass(SignalEntity)
