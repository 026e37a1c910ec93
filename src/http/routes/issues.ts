import { createIssue, deleteIssue, updateIssue } from '#src/commands/issues.ts'
import { toActor } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { createIssueBody, issue, listIssuesQuery, pageOf, updateIssueBody } from '#src/protocol/resources.ts'
import { IssueEntity } from '#src/store/entities/index.ts'
import { newestFirst, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Issues'
const inProject = '/projects/{project_id}/issues'
const ofIssue = '/projects/{project_id}/issues/{issue_id}'
const oneIssue = { status: 200, schema: issue, description: 'The issue' } as const

export function issueRoutes(): Route[] {
  return [...readRoutes(), ...writeRoutes()]
}

function readRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: inProject,
      operation_id: 'list_issues',
      summary: 'List the issues of a project',
      tag,
      limit: limits.read,
      access: 'read_issues',
      query: listIssuesQuery,
      success: { status: 200, schema: pageOf(issue), description: 'One page of issues, newest first' },
      async handle({ context, params: { project_id }, query: { status, ...page } }) {
        const where = { project: project_id, ...(status && { status }) }
        const em = context.orm.em.fork()
        const [found, total] = await em.findAndCount(IssueEntity, where, newestFirst(page))
        return paginated(found.map(toIssue), { ...page, total })
      },
    }),
    defineRoute({
      method: 'get',
      path: ofIssue,
      operation_id: 'get_issue',
      summary: 'One issue',
      tag,
      limit: limits.read,
      access: 'read_issues',
      success: oneIssue,
      async handle({ context, params: { project_id, issue_id } }) {
        const found = await context.orm.em.fork().findOne(IssueEntity, { id: issue_id, project: project_id })
        if (!found) throw notFound.issue(issue_id, project_id)
        return toIssue(found)
      },
    }),
  ]
}

function writeRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'create_issue',
      summary: 'Create an issue',
      tag,
      limit: limits.write,
      access: 'write_issue',
      body: createIssueBody,
      success: { status: 201, schema: issue, description: 'The new issue' },
      async handle({ context, principal, params: { project_id }, body }) {
        return createIssue(context, { project_id, actor: toActor(principal) }, body)
      },
    }),
    defineRoute({
      method: 'patch',
      path: ofIssue,
      operation_id: 'update_issue',
      summary: 'Change, assign or close an issue',
      tag,
      limit: limits.write,
      access: 'write_issue',
      body: updateIssueBody,
      success: oneIssue,
      async handle({ context, principal, params, body }) {
        return updateIssue(context, { ...params, actor: toActor(principal) }, body)
      },
    }),
    defineRoute({
      method: 'delete',
      path: ofIssue,
      operation_id: 'delete_issue',
      summary: 'Delete an issue',
      tag,
      limit: limits.write,
      access: 'write_issue',
      success: { status: 200, schema: message, description: 'The issue is gone' },
      async handle({ context, principal, params }) {
        await deleteIssue(context, { ...params, actor: toActor(principal) })
        return { success: true, message: 'The issue has been deleted' }
      },
    }),
  ]
}

function toIssue(entity: IssueEntity) {
  const { id, title, description, status, created_at, updated_at } = entity
  const assigned_agent_id = entity.assigned_agent?.id ?? null
  return {
    id,
    project_id: entity.project.id,
    title,
    description,
    status,
    assigned_agent_id,
    created_at,
    updated_at,
  }
}
