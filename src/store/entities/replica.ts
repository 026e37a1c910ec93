import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'

/** A server process that holds links to runtimes. It says that it lives by renewing `seen_at`, in the database's time. */
const schema = defineEntity({
  name: 'Replica',
  tableName: 'replicas',
  properties: {
    id: p.uuid().primary(),
    seen_at: column.time(),
  },
})

export class ReplicaEntity extends schema.class {}
schema.setClass(ReplicaEntity)
