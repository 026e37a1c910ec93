import { createProject, deleteProject, updateProject } from '#src/commands/projects.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { createProjectBody, pageQuery, project, updateProjectBody } from '#src/protocol/resources.ts'
import { findProject, listProjects } from '#src/store/projects.ts'
import { limits } from '../bounds.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Projects'
const oneProject = { status: 200, schema: project, description: 'The project' } as const

export function projectRoutes(): Route[] {
  return [...collectionRoutes(), ...resourceRoutes()]
}

function collectionRoutes(): Route[] {
  return [
    defineList({
      path: '/projects',
      operation_id: 'list_projects',
      summary: 'List the projects that you may read',
      tag,
      limit: limits.read,
      access: 'list_projects',
      query: pageQuery,
      item: project,
      description: 'Projects, newest first',
      read: ({ context, principal }, range) => listProjects(context.database, principal, range),
    }),
    defineRoute({
      method: 'post',
      path: '/projects',
      operation_id: 'create_project',
      summary: 'Create a project that you own',
      tag,
      limit: limits.write,
      access: 'create_project',
      body: createProjectBody,
      success: { status: 201, schema: project, description: 'The new project' },
      handle: ({ context, principal, body }) => createProject(context, principal, body),
    }),
  ]
}

function resourceRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/projects/{id}',
      operation_id: 'get_project',
      summary: 'Get a project',
      tag,
      limit: limits.read,
      access: 'read_project',
      success: oneProject,
      async handle({ context, params }) {
        const found = await findProject(context.database, params.id)
        if (!found) throw notFound.project(params.id)
        return found
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/projects/{id}',
      operation_id: 'update_project',
      summary: 'Update a project',
      tag,
      limit: limits.write,
      access: 'manage_project',
      body: updateProjectBody,
      success: oneProject,
      async handle({ context, principal, params, body }) {
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
      access: 'manage_project',
      success: { status: 200, schema: message, description: 'The project has been deleted' },
      async handle({ context, params, principal }) {
        await deleteProject(context, { project_id: params.id, principal })
        return { success: true, message: 'The project has been deleted' }
      },
    }),
  ]
}
