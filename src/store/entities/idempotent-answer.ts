import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'

/** The first answer to a request with an Idempotency-Key, kept for a day. */
const schema = defineEntity({
  name: 'IdempotentAnswer',
  tableName: 'idempotent_answers',
  properties: {
    principal_id: p.uuid().primary(),
    operation: p.string().length(64).primary(),
    key: p.string().length(255).primary(),
    /** SHA-256 of path and body: the same key with another request is refused. */
    fingerprint: p.string().length(64),
    created_at: column.time().index(),
    /** Null only inside the transaction that answers. */
    status: p.integer().nullable(),
    location: p.text().nullable(),
    body: p.text().nullable(),
  },
})

export class IdempotentAnswerEntity extends schema.class {}
schema.setClass(IdempotentAnswerEntity)
