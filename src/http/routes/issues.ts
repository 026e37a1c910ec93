import { createIssue, deleteIssue, updateIssue } from '#src/commands/issues.ts'
import { toActor } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { message } from '#src/protocol/agents.ts'
import { createIssueBody, issue, listIssuesQuery, updateIssueBody } from '#src/protocol/resources.ts'
import { findIssue, listIssues } from '#src/store/issues.ts'
import { limits } from '../bounds.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Issues'
const inProject = '/projects/{project_id}/issues'
const ofIssue = '/projects/{project_id}/issues/{issue_id}'
const oneIssue = { status: 200, schema: issue, description: 'The issue' } as const

export function issueRoutes(): Route[] {
  return [...readRoutes(), ...writeRoutes()]
}

function readRoutes(): Route[] {
  return [
    defineList({
      path: inProject,
      operation_id: 'list_issues',
      summary: 'List the issues of a project',
      tag,
      limit: limits.read,
      access: 'read_issues',
      query: listIssuesQuery,
      item: issue,
      description: 'Issues, newest first',
      read: ({ context, params: { project_id }, query: { status } }, range) =>
        listIssues(context.database, { project_id, status }, range),
    }),
    defineRoute({
      method: 'get',
      path: ofIssue,
      operation_id: 'get_issue',
      summary: 'Read an issue',
      tag,
      limit: limits.read,
      access: 'read_issues',
      success: oneIssue,
      async handle({ context, params: { project_id, issue_id } }) {
        const found = await findIssue(context.database, project_id, issue_id)
        if (!found) throw notFound.issue(issue_id, project_id)
        return found
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
      success: { status: 200, schema: message, description: 'The issue is deleted' },
      async handle({ context, principal, params }) {
        await deleteIssue(context, { ...params, actor: toActor(principal) })
        return { success: true, message: 'The issue has been deleted' }
      },
    }),
  ]
}
