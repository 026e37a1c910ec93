import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/** The event log: per project 1, 2, 3 … without a gap; rows are only added, and pruned from the old end. */
const schema = defineEntity({
  name: 'Event',
  tableName: 'events',
  primaryKeys: ['project', 'seq'],
  properties: {
    project: () => p.manyToOne(ProjectEntity).primary().deleteRule('cascade'),
    seq: p.bigint('number').primary(),
    at: column.time().index(),
    /** The event object of the wire contract, as it is sent to every reader. */
    frame: p.json().columnType('json'),
  },
  indexes: [
    // By an expression, so that it has the events of servers of the release before, too.
    {
      name: 'events_by_agent',
      expression: `create index "events_by_agent" on "events" ("project_id", ((frame #>> '{agent,id}')::uuid), "seq")`,
    },
  ],
})

export class EventEntity extends schema.class {}
schema.setClass(EventEntity)
