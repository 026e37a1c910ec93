import * as v from 'valibot'
import { notFound, refuse } from '#src/domain/errors.ts'
import { eventFrame } from '#src/protocol/event.ts'
import { eventsQuery } from '#src/protocol/resources.ts'
import { count } from '#src/protocol/values.ts'
import { readEvents, readLogBounds } from '#src/store/events.ts'
import { authorize, type HttpContext } from '../context.ts'
import { defineRoute, limits, type Route } from '../route.ts'

const eventPage = v.object({ data: v.array(eventFrame), last_seq: count })

export function eventRoutes(context: HttpContext): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/events',
      operation_id: 'list_events',
      summary: 'The event log after a number, oldest first',
      tag: 'Events',
      limit: limits.read,
      query: eventsQuery,
      success: { status: 200, schema: eventPage, description: 'Events, and the newest number of the log' },
      async handle({ principal, params: { project_id }, query: { after, limit }, c }) {
        await authorize(context, { principal, project_id, operation: 'read_events' })
        const events = await readEvents(context.database, { project_id, after, limit })
        // Bounds read after the page: what retention took before the page was read shows in `oldest`.
        const bounds = await readLogBounds(context.database, project_id)
        if (!bounds) throw notFound.project(project_id)
        if (after < bounds.newest && events[0]?.seq !== after + 1) {
          throw refuse(
            'gone',
            `Events up to ${bounds.oldest - 1} are no longer kept; the oldest is ${bounds.oldest}`,
          )
        }
        // The log's frames are JSON already.
        const data = events.map((event) => event.frame).join(',')
        return c.body(`{"data":[${data}],"last_seq":${bounds.newest}}`, 200, {
          'Content-Type': 'application/json',
        })
      },
    }),
  ]
}
