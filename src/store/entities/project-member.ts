import { defineEntity, p } from '@mikro-orm/core'
import { memberRoles } from '#src/domain/access.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'
import { UserEntity } from './user.ts'

/** A user's role in a project that another user owns. */
const schema = defineEntity({
  name: 'ProjectMember',
  tableName: 'project_members',
  properties: {
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade').primary(),
    user: () => p.manyToOne(UserEntity).deleteRule('cascade').primary().index(),
    role: p.enum(memberRoles),
    created_at: column.time(),
    updated_at: column.time(),
  },
})

export class ProjectMemberEntity extends schema.class {}
schema.setClass(ProjectMemberEntity)
