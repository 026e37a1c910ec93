import { defineEntity, p } from '@mikro-orm/core'
import { memberRoles } from '#src/domain/access.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'
import { UserEntity } from './user.ts'

/** What a user is in a project that somebody else owns. */
const schema = defineEntity({
  name: 'ProjectMember',
  tableName: 'project_members',
  properties: {
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade').primary(),
    user: () => p.manyToOne(UserEntity).deleteRule('cascade').primary().index(),
    role: p.enum(memberRoles),
    created_at: column.created_at(),
    updated_at: column.updated_at(),
  },
})

export class ProjectMemberEntity extends schema.class {}
schema.setClass(ProjectMemberEntity)
