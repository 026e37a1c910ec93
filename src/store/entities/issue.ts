import { defineEntity, p } from '@mikro-orm/core'
import { issueStatuses } from '#src/domain/issue.ts'
import { AgentEntity } from './agent.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

const schema = defineEntity({
  name: 'Issue',
  tableName: 'issues',
  properties: {
    id: column.id(),
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade').index(),
    title: p.string().length(255),
    description: p.text().nullable(),
    status: p.enum(issueStatuses).default('open'),
    assigned_agent: () => p.manyToOne(AgentEntity).nullable().deleteRule('set null').index(),
    created_at: column.time(),
    updated_at: column.time(),
  },
  indexes: [{ name: 'issues_newest_first', properties: ['project', 'created_at', 'id'] }],
})

export class IssueEntity extends schema.class {}
schema.setClass(IssueEntity)
