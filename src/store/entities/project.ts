import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'
import { UserEntity } from './user.ts'

const schema = defineEntity({
  name: 'Project',
  tableName: 'projects',
  properties: {
    id: column.id(),
    name: p.string().length(255),
    slug: p.string().length(255).unique(),
    description: p.text().nullable(),
    owner: () => p.manyToOne(UserEntity).index(),
    /** The number of the newest event. Counted up under this row's lock, so its order is the commit order. */
    event_seq: column.count(),
    /** The time of the newest event: within a project no event is older than the one before it. */
    event_at: column.time().nullable(),
    /** Told with every event, so that readers notice when `event_seq` has been set back by a restored backup. */
    epoch: p.bigint('number').default(1),
    created_at: column.created_at(),
    updated_at: column.updated_at(),
  },
})

export class ProjectEntity extends schema.class {}
schema.setClass(ProjectEntity)
