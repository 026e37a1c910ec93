import { defineEntity, p } from '@mikro-orm/core'
import { actions } from '#src/domain/actions.ts'
import type { Actor } from '#src/domain/actor.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/** A hold of one project, or, without a project, of all: then each project has a row of the same group. */
const schema = defineEntity({
  name: 'Hold',
  tableName: 'holds',
  properties: {
    id: column.id(),
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade').nullable(),
    group_id: p.uuid().nullable(),
    reason: p.string().length(500),
    selector: p.text().nullable(),
    agent_type_id: p.uuid().nullable(),
    mode: p.enum(actions.pause.modes),
    until: column.time().nullable(),
    /** The budget that has placed it. */
    budget_id: p.uuid().nullable(),
    created_by: column.json<Actor>(),
    created_at: column.time(),
    released_at: column.time().nullable(),
    released_by: column.json<Actor>().nullable(),
    affected_count: p.integer().default(0),
    /** `affected_count` when all that matched at first were paused. */
    placed_count: p.integer().nullable(),
    over_seconds: p.integer().default(0),
    /** Agents that go on since it was released, and how many of them have been given a time. */
    resumed_count: p.integer().default(0),
    scheduled_count: p.integer().default(0),
    /** Whether every agent, or for a group every project, is as the hold says. If not, a replica sees to it, under a lease. */
    is_settled: p.boolean().default(false),
    lease: p.uuid().nullable(),
    leased_until: column.time().nullable(),
  },
  indexes: [
    { name: 'holds_newest_first', properties: ['project', 'created_at', 'id'] },
    { name: 'holds_active', properties: ['project'], where: 'released_at is null' },
    { name: 'holds_unsettled', properties: ['created_at'], where: 'not is_settled' },
    { name: 'holds_to_end', properties: ['until'], where: 'released_at is null and until is not null' },
    { name: 'holds_to_forget', properties: ['released_at'], where: 'released_at is not null' },
  ],
  uniques: [{ name: 'holds_of_group', properties: ['group_id', 'project'] }],
})

export class HoldEntity extends schema.class {}
schema.setClass(HoldEntity)
