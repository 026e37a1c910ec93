import { defineEntity, p } from '@mikro-orm/core'
import { column } from './columns.ts'

const schema = defineEntity({
  name: 'AgentType',
  tableName: 'agent_types',
  properties: {
    id: column.id(),
    name: p.string().length(255),
    slug: p.string().length(255).unique(),
    description: p.text().nullable(),
    is_active: p.boolean().default(true),
    config: column.json<Record<string, unknown>>(),
    created_at: column.time(),
    updated_at: column.time(),
  },
})

export class AgentTypeEntity extends schema.class {}
schema.setClass(AgentTypeEntity)
