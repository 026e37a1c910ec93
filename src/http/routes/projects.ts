import { createProject, deleteProject, updateProject } from '#src/commands/projects.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { createProjectBody, pageOf, pageQuery, project, updateProjectBody } from '#src/protocol/resources.ts'
import { ProjectEntity } from '#src/store/entities/index.ts'
import { findProject } from '#src/store/projects.ts'
import { authorize, type HttpContext } from '../context.ts'
import { newestFirst, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Projects'
const oneProject = { status: 200, schema: project, description: 'The project' } as const

export function projectRoutes(context: HttpContext): Route[] {
  return [...collectionRoutes(context), ...resourceRoutes(context)]
}

function collectionRoutes(context: HttpContext): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/projects',
      operation_id: 'list_projects',
      summary: 'List the projects that you may read',
      tag,
      limit: limits.read,
      query: pageQuery,
      success: { status: 200, schema: pageOf(project), description: 'One page of projects, newest first' },
      async handle({ principal, query }) {
        const em = context.orm.em.fork()
        const readable = principal.role === 'superuser' ? {} : { owner: principal.id }
        const [found, total] = await em.findAndCount(ProjectEntity, readable, newestFirst(query))
        return paginated(found.map(toProject), { ...query, total })
      },
    }),
    defineRoute({
      method: 'post',
      path: '/projects',
      operation_id: 'create_project',
      summary: 'Create a project that you own',
      tag,
      limit: limits.write,
      body: createProjectBody,
      success: { status: 201, schema: project, description: 'The new project' },
      handle: ({ principal, body }) => createProject(context, principal, body),
    }),
  ]
}

function resourceRoutes(context: HttpContext): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/projects/{id}',
      operation_id: 'get_project',
      summary: 'One project',
      tag,
      limit: limits.read,
      success: oneProject,
      async handle({ principal, params }) {
        await authorize(context, { principal, project_id: params.id, operation: 'read_project' })
        const found = await findProject(context.database, params.id)
        if (!found) throw notFound.project(params.id)
        return found
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/projects/{id}',
      operation_id: 'update_project',
      summary: 'Change a project',
      tag,
      limit: limits.write,
      body: updateProjectBody,
      success: oneProject,
      async handle({ principal, params, body }) {
        await authorize(context, { principal, project_id: params.id, operation: 'manage_project' })
        return updateProject(context, { project_id: params.id, principal }, body)
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/projects/{id}',
      operation_id: 'delete_project',
      summary: 'Delete a project whose agents are all terminated',
      tag,
      limit: limits.write,
      success: { status: 200, schema: message, description: 'The project is gone' },
      async handle({ principal, params }) {
        await authorize(context, { principal, project_id: params.id, operation: 'manage_project' })
        await deleteProject(context, params.id)
        return { success: true, message: 'The project has been deleted' }
      },
    }),
  ]
}

function toProject(entity: ProjectEntity) {
  const { id, name, slug, description, owner, created_at, updated_at } = entity
  return { id, name, slug, description, owner_id: owner.id, created_at, updated_at }
}
