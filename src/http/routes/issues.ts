import { createIssue, deleteIssue, updateIssue } from '#src/commands/issues.ts'
import { toActor } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { createIssueBody, issue, listIssuesQuery, pageOf, updateIssueBody } from '#src/protocol/resources.ts'
import { IssueEntity } from '#src/store/entities/index.ts'
import { authorize, type HttpContext } from '../context.ts'
import { newestFirst, paginated } from '../pagination.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const tag = 'Issues'
const inProject = '/projects/{project_id}/issues'
const ofIssue = '/projects/{project_id}/issues/{issue_id}'
const oneIssue = { status: 200, schema: issue, description: 'The issue' } as const

export function issueRoutes(context: HttpContext): Route[] {
  return [...readRoutes(context), ...writeRoutes(context)]
}

function readRoutes(context: HttpContext): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: inProject,
      operation_id: 'list_issues',
      summary: 'List the issues of a project',
      tag,
      limit: limits.read,
      query: listIssuesQuery,
      success: { status: 200, schema: pageOf(issue), description: 'One page of issues, newest first' },
      async handle({ principal, params: { project_id }, query: { status, ...page } }) {
        await authorize(context, { principal, project_id, operation: 'read_issue' })
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
      success: oneIssue,
      async handle({ principal, params: { project_id, issue_id } }) {
        await authorize(context, { principal, project_id, operation: 'read_issue' })
        const found = await context.orm.em.fork().findOne(IssueEntity, { id: issue_id, project: project_id })
        if (!found) throw notFound.issue(issue_id, project_id)
        return toIssue(found)
      },
    }),
  ]
}

function writeRoutes(context: HttpContext): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'create_issue',
      summary: 'Create an issue',
      tag,
      limit: limits.write,
      body: createIssueBody,
      success: { status: 201, schema: issue, description: 'The new issue' },
      async handle({ principal, params: { project_id }, body }) {
        await authorize(context, { principal, project_id, operation: 'write_issue' })
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
      body: updateIssueBody,
      success: oneIssue,
      async handle({ principal, params, body }) {
        const { project_id } = params
        await authorize(context, { principal, project_id, operation: 'write_issue' })
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
      success: { status: 200, schema: message, description: 'The issue is gone' },
      async handle({ principal, params }) {
        const { project_id } = params
        await authorize(context, { principal, project_id, operation: 'write_issue' })
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
