import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/** What reports said an agent used in a quarter-hour, by model and provider; the empty string stands for none. */
const schema = defineEntity({
  name: 'Usage',
  tableName: 'usage',
  primaryKeys: ['project', 'quarter', 'agent_id', 'model', 'provider'],
  properties: {
    project: () => p.manyToOne(ProjectEntity).primary().deleteRule('cascade'),
    quarter: column.time().primary(),
    /** Agents are deleted only with their project. */
    agent_id: p.uuid().primary(),
    model: p.string().length(128).primary(),
    provider: p.string().length(128).primary(),
    tasks_completed: column.count(),
    tokens_used: column.count(),
    input_tokens: column.count(),
    output_tokens: column.count(),
    cache_read_input_tokens: column.count(),
    cache_creation_input_tokens: column.count(),
    reasoning_output_tokens: column.count(),
    /** Wider than an agent's counter, which can be set back. */
    cost_incurred: p.decimal().precision(24).scale(4).default('0'),
  },
})

export class UsageEntity extends schema.class {}
schema.setClass(UsageEntity)
