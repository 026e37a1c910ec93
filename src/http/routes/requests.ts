import { answerRequest } from '#src/commands/requests.ts'
import { assertReaches, isAllowed, toActor } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { toRequest } from '#src/domain/request.ts'
import { waitQuery } from '#src/protocol/http-runtimes.ts'
import { answerBody, inboxRequest, listRequestsQuery, request } from '#src/protocol/requests.ts'
import { pageQuery } from '#src/protocol/resources.ts'
import { listInbox, listRequests } from '#src/store/request-lists.ts'
import { findRequest } from '#src/store/requests.ts'
import { limits } from '../bounds.ts'
import { defineList } from '../list.ts'
import { longPoll } from '../long-poll.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Requests'
const inProject = '/projects/{project_id}/requests'
const ofRequest = '/projects/{project_id}/requests/{id}'
const oneRequest = { status: 200, schema: request, description: 'The request' } as const

/** What agents ask people. Runtimes ask over their WebSocket, or with `ask`. */
export function requestRoutes(): Route[] {
  return [...listRoutes(), ...oneRoutes()]
}

function listRoutes(): Route[] {
  return [
    defineList({
      path: '/requests',
      operation_id: 'list_my_requests',
      summary: 'List the open requests of all projects that you may read',
      tag,
      limit: limits.read,
      access: 'list_requests',
      query: pageQuery,
      item: inboxRequest,
      description: 'Open requests, oldest first',
      async read({ context, principal }, range) {
        const listed = await listInbox(context.database, principal, range)
        const rows = listed.rows.map(({ request, project_name, role }) => ({
          ...toRequest(request),
          project_name,
          can_answer: isAllowed(role, 'answer_request'),
        }))
        return { ...listed, rows }
      },
    }),
    defineList({
      path: inProject,
      operation_id: 'list_requests',
      summary: 'List the requests of a project',
      tag,
      limit: limits.read,
      access: 'read_requests',
      query: listRequestsQuery,
      item: request,
      description: 'Open requests, oldest first, then ended ones, newest first',
      async read({ context, params: { project_id }, query: { state, agent_id, reason } }, range) {
        const listed = await listRequests(context.database, { project_id, state, agent_id, reason }, range)
        return { ...listed, rows: listed.rows.map(toRequest) }
      },
    }),
  ]
}

function oneRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: ofRequest,
      operation_id: 'get_request',
      summary: 'Get a request, or wait until it has ended',
      description: 'With `wait`, the answer comes as soon as the request is not open any more.',
      tag,
      limit: limits.read,
      access: 'read_request',
      checks_reach: true,
      query: waitQuery,
      success: oneRequest,
      async handle({ context, params: { project_id, id }, query: { wait }, principal, c }) {
        const read = async () => {
          const found = await findRequest(context.database, project_id, id)
          if (!found) throw notFound.request(id, project_id)
          assertReaches(principal, found.agent_id)
          return found
        }
        const found = await read()
        if (found.state !== 'open' || wait === 0 || c.req.method === 'HEAD') return toRequest(found)
        const waiting = { project_id, agent_id: found.agent_id, wait, operation: 'read_request' } as const
        const ended = await longPoll({ context, c }, waiting, async () => {
          const answer = await read()
          return answer.state === 'open' ? { due_ms: undefined } : { answer }
        })
        return toRequest(ended ?? found)
      },
    }),
    defineRoute({
      method: 'post',
      path: `${ofRequest}/answer`,
      operation_id: 'answer_request',
      summary: 'Answer a request; the first answer counts',
      tag,
      limit: limits.read,
      access: 'answer_request',
      body: answerBody,
      success: oneRequest,
      async handle({ context, params, body, principal }) {
        const target = { ...params, actor: toActor(principal) }
        return toRequest(await answerRequest(context, target, body))
      },
    }),
  ]
}
