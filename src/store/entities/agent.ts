import { defineEntity, p } from '@mikro-orm/core'
import type { Control, ShortTermMemory } from '#src/domain/agent.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { AgentTypeEntity } from './agent-type.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/**
 * One agent, with everything that the wire's Agent shows: the names of its project and type, its count of
 * issues and its newest control signal are kept in the row, because each change of them is an event of the
 * agent anyway. So every read is of this one table.
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
    created_at: column.created_at(),
    updated_at: column.updated_at(),
    agent_type_name: p.string().length(255),
    agent_type_slug: p.string().length(255),
    project_name: p.string().length(255),
    project_slug: p.string().length(255),
    assigned_issues_count: p.integer().default(0),
    runtime_connected: p.boolean().default(false),
    runtime_since: column.time().nullable(),
    /** Fences links: each attach has the next number, and only the newest may report. */
    lease: column.count(),
    /** The process that holds the link; null while there is none. */
    runtime_replica: p.uuid().nullable(),
    /** The number of the last report that was applied. */
    last_report: column.count(),
    control: column.json<Control>().nullable(),
    /** When a paused agent resumes by itself: the newest control's `resume_at`, to be found by time. */
    resume_at: column.time().nullable(),
    pending_messages: p.integer().default(0),
    token_limit: p.bigint('number').nullable(),
    cost_limit: p.decimal('string').precision(14).scale(4).nullable(),
    /** The number of its newest event. */
    seq: column.count(),
  },
  indexes: [
    { name: 'agents_newest_first', properties: ['project', 'created_at', 'id'] },
    { name: 'agents_by_replica', properties: ['runtime_replica'], where: 'runtime_replica is not null' },
    { name: 'agents_to_resume', properties: ['resume_at'], where: 'resume_at is not null' },
  ],
})

export class AgentEntity extends schema.class {}
schema.setClass(AgentEntity)
