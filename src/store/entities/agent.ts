import { defineEntity, p } from '@mikro-orm/core'
import type { BudgetName, ShortTermMemory } from '#src/domain/agent.ts'
import type { Control } from '#src/domain/control.ts'
import type { Labels } from '#src/domain/labels.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import type { NumberRanges } from '#src/domain/report-numbers.ts'
import { AgentTypeEntity } from './agent-type.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/**
 * One agent, with everything that the wire's Agent shows. The row has the names of its project and type, its count of
 * issues and its newest control signal, since each change of those is an event of the agent anyway. So every read is of
 * this one table. Each column has a row in `agentFields` of `domain/agent.ts`, which says more about it.
 */
const schema = defineEntity({
  name: 'Agent',
  tableName: 'agents',
  properties: {
    id: column.id(),
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade'),
    agent_type: () => p.manyToOne(AgentTypeEntity).index(),
    name: p.string().length(255),
    status: p.enum(agentStatuses).default('idle'),
    current_task: p.text().nullable(),
    short_term_memory: column.json<ShortTermMemory>(),
    long_term_memory_ref: p.string().length(500).nullable(),
    session_id: p.string().length(255).nullable(),
    last_activity_at: column.time().nullable(),
    terminated_at: column.time().nullable(),
    tasks_completed: column.count(),
    tokens_used: column.count(),
    cost_incurred: p.decimal('string').precision(14).scale(4).default('0'),
    created_at: column.time(),
    updated_at: column.time(),
    agent_type_name: p.string().length(255),
    agent_type_slug: p.string().length(255),
    project_name: p.string().length(255),
    project_slug: p.string().length(255),
    assigned_issues_count: p.integer().default(0),
    runtime_connected: p.boolean().default(false),
    runtime_since: column.time().nullable(),
    lease: column.count(),
    runtime_replica: p.uuid().nullable(),
    last_report: column.count(),
    missed_reports: column.json<NumberRanges>().default('[]'),
    control: column.json<Control>().nullable(),
    /** A copy of the newest control's `resume_at`, to be found by time. */
    resume_at: column.time().nullable(),
    pending_messages: p.integer().default(0),
    pending_answers: p.integer().default(0),
    token_limit: p.bigint('number').nullable(),
    cost_limit: p.decimal('string').precision(14).scale(4).nullable(),
    seq: column.count(),
    labels: column.json<Labels>().default('{}'),
    external_id: p.string().length(255).nullable(),
    /** Of the same project. No agent is deleted without its project, so no constraint is needed. */
    parent_id: p.uuid().nullable(),
    depth: p.integer().default(1),
    has_children: p.boolean().default(false),
    capabilities: column.json<string[]>().default('[]'),
    client: p.string().length(128).nullable(),
    open_requests: p.integer().default(0),
    holds: column.json<string[]>().default('[]'),
    over_budgets: column.json<BudgetName[]>().default('[]'),
  },
  indexes: [
    // An ended agent keeps its name until another agent takes it.
    {
      name: 'agents_by_external_id',
      expression: `create unique index "agents_by_external_id" on "agents" ("external_id", ("project_id"::text)) where external_id is not null`,
    },
    { name: 'agents_newest_first', properties: ['project', 'created_at', 'id'] },
    { name: 'agents_by_replica', properties: ['runtime_replica'], where: 'runtime_replica is not null' },
    { name: 'agents_by_parent', properties: ['parent_id'], where: 'parent_id is not null' },
    { name: 'agents_to_resume', properties: ['resume_at'], where: 'resume_at is not null' },
    {
      name: 'agents_by_label',
      expression: `create index "agents_by_label" on "agents" using gin ("labels" jsonb_path_ops) where labels <> '{}'`,
    },
  ],
})

export class AgentEntity extends schema.class {}
schema.setClass(AgentEntity)
