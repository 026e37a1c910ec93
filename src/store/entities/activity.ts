import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

const change = () => p.integer().default(0)

/** What happened in ten seconds of a project, and how its numbers of agents by status changed. */
const schema = defineEntity({
  name: 'Activity',
  tableName: 'activity',
  primaryKeys: ['project', 'at'],
  properties: {
    project: () => p.manyToOne(ProjectEntity).primary().deleteRule('cascade'),
    at: column.time().primary(),
    /** The number of the newest event that is counted here: a row with a gap before it follows events that none counts. */
    last_seq: p.bigint('number'),
    events: column.count(),
    tasks_completed: column.count(),
    tokens_used: column.count(),
    cost_incurred: p.decimal().precision(24).scale(4).default('0'),
    idle_change: change(),
    working_change: change(),
    waiting_change: change(),
    paused_change: change(),
    terminated_change: change(),
  },
})

export class ActivityEntity extends schema.class {}
schema.setClass(ActivityEntity)
