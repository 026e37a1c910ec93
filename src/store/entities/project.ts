import { defineEntity, p } from '@mikro-orm/core'
import { DEFAULT_AGENT_LIMIT } from '#src/domain/spawn.ts'
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
    /** In every event, so that readers notice when a restored backup has set back `event_seq`. */
    epoch: p.bigint('number').default(1),
    agent_limit: p.integer().default(DEFAULT_AGENT_LIMIT),
    /** Agents that are not terminated, as counted with event `live_agents_seq`; null: not counted. */
    live_agents: p.integer().nullable(),
    live_agents_seq: p.bigint('number').nullable(),
    /** Holds that stand, so that a change looks for them only where there are some. */
    active_holds: p.integer().default(0),
    /** Without any, its transactions look for none. */
    budget_count: p.integer().default(0),
    created_at: column.time(),
    updated_at: column.time(),
  },
})

export class ProjectEntity extends schema.class {}
schema.setClass(ProjectEntity)
