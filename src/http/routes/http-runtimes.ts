import { askPeople } from '#src/commands/requests.ts'
import { acknowledgeSignal, fetchSignal, reportAgent } from '#src/commands/runtime.ts'
import { toActor } from '#src/domain/access.ts'
import { toRequest } from '#src/domain/request.ts'
import { toSignal } from '#src/domain/signal.ts'
import {
  ackBody,
  ackResult,
  askBody,
  askedRequest,
  deliveredSignal,
  reportBody,
  reportResult,
  waitQuery,
} from '#src/protocol/http-runtimes.ts'
import { limits } from '../bounds.ts'
import { longPoll } from '../long-poll.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Runtimes'
const ofAgent = '/projects/{project_id}/agents/{agent_id}'
/** As on a WebSocket: a runtime key, or the token of the agent. */
const shared = { tag, limit: limits.runtime, access: 'attach_agent' } as const

/** For runtimes that can't hold a WebSocket. They need no link, and take none from a runtime that holds one. */
export function httpRuntimeRoutes(): Route[] {
  return [reportRoute(), nextSignalRoute(), ackRoute(), askRoute()]
}

function reportRoute(): Route {
  return defineRoute({
    ...shared,
    method: 'post',
    path: `${ofAgent}/reports`,
    operation_id: 'report_agent',
    summary: 'Report what an agent is doing and what it has used',
    description:
      'The fields of a `report` without `n`. With an `Idempotency-Key`, a report that is sent again counts once.',
    body: reportBody,
    is_body_optional: true,
    success: { status: 200, schema: reportResult, description: 'The agent after the report' },
    async handle({ context, principal, params, body }) {
      const target = { ...params, actor: toActor(principal) }
      const { agent, status_rejected } = await reportAgent(context, target, { report: body })
      context.runtimes.reported(status_rejected === undefined ? 'applied' : 'status_rejected')
      const { status, seq, control } = agent
      return { status, ...(status_rejected !== undefined && { status_rejected }), seq, control }
    },
  })
}

function nextSignalRoute(): Route {
  return defineRoute({
    ...shared,
    method: 'get',
    path: `${ofAgent}/signals/next`,
    operation_id: 'next_signal',
    summary: 'Fetch the next signal for the runtime of an agent',
    description:
      'The oldest unacknowledged signal that was not fetched within the last 30 s. Fetching it counts as its delivery.',
    query: waitQuery,
    success: {
      status: 200,
      schema: deliveredSignal,
      description: 'The signal',
      or_nothing: 'There is no signal, also after `wait` seconds',
    },
    async handle({ context, params, query: { wait }, c }) {
      c.header('Cache-Control', 'no-store')
      // A HEAD has no body, so the signal would be lost.
      if (c.req.method === 'HEAD') return c.body(null, 204)
      const fetched = await longPoll(
        { context, c },
        { ...params, wait, operation: 'attach_agent' },
        async () => {
          const found = await fetchSignal(context, params)
          return 'signal' in found ? { answer: found.signal } : found
        },
      )
      if (!fetched) return c.body(null, 204)
      context.runtimes.sent(fetched)
      const { traceparent, attempt } = fetched
      return { ...toSignal(fetched, attempt), ...(traceparent !== null && { traceparent }) }
    },
  })
}

function ackRoute(): Route {
  return defineRoute({
    ...shared,
    method: 'post',
    path: `${ofAgent}/signals/{signal_id}/ack`,
    operation_id: 'acknowledge_signal',
    summary: 'Acknowledge a signal: the runtime has obeyed it, or could not',
    body: ackBody,
    success: { status: 200, schema: ackResult, description: 'The outcome that the signal has' },
    async handle({ context, principal, params: { signal_id, ...agent }, body }) {
      const target = { ...agent, actor: toActor(principal) }
      return { outcome: await acknowledgeSignal(context, target, { signal_id, ...body }) }
    },
  })
}

function askRoute(): Route {
  return defineRoute({
    ...shared,
    method: 'post',
    path: `${ofAgent}/requests`,
    operation_id: 'ask',
    summary: 'Ask people something',
    description:
      'The fields of a `request`. A `request_id` that is known changes nothing, and gets the request as it stands.',
    body: askBody,
    success: { status: 201, schema: askedRequest, description: 'The request' },
    async handle({ context, principal, params, body }) {
      const target = { ...params, actor: toActor(principal) }
      const { request, status_rejected } = await askPeople(context, target, body)
      return { ...toRequest(request), ...(status_rejected !== undefined && { status_rejected }) }
    },
  })
}
