import pLimit from 'p-limit'
import { toActivityRange } from '#src/domain/activity.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { activityQuery, activityReport } from '#src/protocol/activity.ts'
import { eventSearch, eventSearchQuery } from '#src/protocol/event-search.ts'
import { moment, momentQuery } from '#src/protocol/moments.ts'
import { readActivity } from '#src/store/activity.ts'
import { searchEvents } from '#src/store/event-search.ts'
import { findLogPlace, type LogPlace } from '#src/store/log-place.ts'
import { readAgentsAt } from '#src/store/moments.ts'
import { limits, MAX_HISTORY_READS, MAX_LOG_ANSWER_BYTES } from '../bounds.ts'
import { jsonText } from '../raw-responses.ts'
import { defineRoute, type Route } from '../route.ts'

/** What happened in a project, by time: sums, single events, and its agents as they were. */
export function historyRoutes(): Route[] {
  const limitReads = pLimit(MAX_HISTORY_READS)
  return [
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/activity',
      operation_id: 'get_activity',
      summary: 'Count events, tasks, tokens, cost and agents by status over time',
      description:
        'A bucket for each step, oldest first, at most 1,000, over at most 31 days. It is kept as long as the event log; `since` says from when on it is complete. Counters that were set back take nothing away.',
      tag: 'Events',
      limit: limits.read,
      access: 'read_metrics',
      query: activityQuery,
      success: { status: 200, schema: activityReport, description: 'A bucket for each step' },
      async handle({ context: { database, clock }, params: { project_id }, query }) {
        const now = clock()
        const range = toActivityRange(query, now)
        const read = await limitReads(() => readActivity(database, { project_id, now, ...range }))
        if (!read) throw notFound.project(project_id)
        return { ...read, ...range }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/events/search',
      operation_id: 'search_events',
      summary: 'Look for events, from a number or a time',
      description:
        'Looks at up to 5,000 events, of `agent_id` if it is given, and answers those that match, oldest first. `searched` says which numbers it has looked at: continue with `before` = `searched.from`, or with `after` = `searched.to`, also after an answer without events.',
      tag: 'Events',
      limit: limits.read,
      access: 'read_events',
      query: eventSearchQuery,
      success: { status: 200, schema: eventSearch, description: 'Events, and where to continue' },
      async handle({ context: { database }, params: { project_id }, query, c }) {
        const { before, after, time, name, agent_id, actor, q, limit } = query
        const places = Object.entries({ before, after, time }).filter(([, value]) => value !== undefined)
        if (places[1])
          throw refuse('invalid', `Must not be given together with ${places[0]?.[0]}`, places[1][0])
        const place = await limitReads(() => findLogPlace(database, project_id, { time }))
        if (!place) throw notFound.project(project_id)
        const direction = after === undefined ? 'back' : 'on'
        const from = after ?? Math.min(before ?? place.seq + 1, place.newest + 1)
        const found = await limitReads(() =>
          searchEvents(database, {
            project_id,
            direction,
            from,
            names: name?.split(','),
            agent_id,
            actor,
            text: q?.trim() || undefined,
            limit,
            max_bytes: MAX_LOG_ANSWER_BYTES,
          }),
        )
        const { oldest, newest, oldest_at } = place
        const searched =
          direction === 'back'
            ? { from: found.end ?? oldest, to: from - 1 }
            : { from: Math.max(oldest, from + 1), to: found.end ?? Math.max(newest, from) }
        const rest = JSON.stringify({ searched, oldest_seq: oldest, oldest_at, last_seq: newest })
        return jsonText(c, `{"data":[${found.frames.join(',')}],${rest.slice(1)}`)
      },
    }),
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/agents/at',
      operation_id: 'list_agents_at',
      summary: 'List the agents of a project as they were at a moment',
      description:
        'By id, also agents that had ended by then. From the event log, so a moment before its oldest event is a 410. An answer ends at about 4 MiB: continue with `after` = `next`, and with the answered `seq`.',
      tag: 'Events',
      limit: limits.read,
      access: 'read_events',
      query: momentQuery,
      success: { status: 200, schema: moment, description: 'Agents, and where they continue' },
      async handle({ context: { database, clock }, params: { project_id }, query, c }) {
        const { time, seq, after, limit } = query
        if (time !== undefined && seq !== undefined) {
          throw refuse('invalid', 'Must not be given together with time', 'seq')
        }
        const place = await limitReads(() => findLogPlace(database, project_id, { time, seq }))
        if (!place) throw notFound.project(project_id)
        assertKept(place, seq)
        const at = time ?? place.at ?? clock()
        const range = { project_id, seq: place.seq, at, after, limit, max_bytes: MAX_LOG_ANSWER_BYTES }
        const { json, next } = await limitReads(() => readAgentsAt(database, range))
        const rest = JSON.stringify({ seq: place.seq, time: at, next })
        return jsonText(c, `{"data":${json},${rest.slice(1)}`)
      },
    }),
  ]
}

/** Before the first event of all there were no agents, but before the oldest that is kept nobody knows. */
function assertKept({ oldest, newest, oldest_at, seq }: LogPlace, asked: number | undefined): void {
  if (asked !== undefined && asked > newest) {
    throw refuse('invalid', `Must be at most ${newest}, the number of the newest event`, 'seq')
  }
  if (seq >= oldest || oldest <= 1 || seq === newest) return
  const message = `The log begins with event ${oldest}, at ${oldest_at}`
  throw refuse('gone', message, asked === undefined ? 'time' : 'seq')
}
