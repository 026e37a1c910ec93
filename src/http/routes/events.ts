import pLimit from 'p-limit'
import * as v from 'valibot'
import { notFound, refuse } from '#src/domain/errors.ts'
import { toLimitKey } from '#src/http/client-address.ts'
import { jsonText } from '#src/http/raw-responses.ts'
import { eventFrame } from '#src/protocol/messages/event.ts'
import { eventStreamQuery, eventsQuery } from '#src/protocol/resources.ts'
import { count } from '#src/protocol/values.ts'
import { readEvents, readLogBounds } from '#src/store/events.ts'
import { limits, MAX_LOG_ANSWER_BYTES, MAX_LOG_READS } from '../bounds.ts'
import type { HttpContext } from '../context.ts'
import { defineRoute, type Route } from '../route.ts'

const streamHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}
const eventPage = v.object({ data: v.array(eventFrame), last_seq: count })

export function eventRoutes(): Route[] {
  const limitReads = pLimit(MAX_LOG_READS)
  return [
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/events',
      operation_id: 'list_events',
      summary: 'Read the event log, oldest first',
      description:
        'Reads on after the number `after`; without it, from the oldest event that is kept. An answer ends at about 4 MiB, so it is the end of the log only if its last event has the number `last_seq`. Another `epoch` is a 410.',
      tag: 'Events',
      limit: limits.read,
      access: 'read_events',
      query: eventsQuery,
      success: { status: 200, schema: eventPage, description: 'Events, and the number of the newest event' },
      async handle({ context, params: { project_id }, query, c }) {
        const { frames, last_seq } = await limitReads(() => readPage(context, { project_id, ...query }))
        return jsonText(c, `{"data":[${frames.join(',')}],"last_seq":${last_seq}}`)
      },
    }),
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/events/stream',
      operation_id: 'stream_events',
      description:
        'Resumes by `Last-Event-ID`, or by `after` and `epoch`; without them it starts with the next event. An id that the log does not have gives one `reset` event.',
      summary: 'Stream the event log as server-sent events',
      tag: 'Events',
      limit: limits.read,
      access: 'watch_project',
      query: eventStreamQuery,
      success: { status: 200, schema: undefined, description: 'text/event-stream' },
      async handle({ context, params: { project_id }, query, c }) {
        const last = query.after === undefined ? undefined : { seq: query.after, epoch: query.epoch }
        const after = readLastEventId(c.req.header('last-event-id')) ?? last
        const authentication = c.get('authentication')
        if (!authentication) throw refuse('no_credentials', 'Credentials are required')
        // A HEAD has no body, so the stream would have no reader and stay open for ever.
        if (c.req.method === 'HEAD') return c.body(null, 200, streamHeaders)
        const address = toLimitKey(c.get('address'))
        const blocks = await context.openEventStream(project_id, { after, authentication, address })
        if (!blocks) throw notFound.project(project_id)
        return c.body(toBytes(blocks), 200, streamHeaders)
      },
    }),
  ]
}

type PageInput = { project_id: string; after?: number | undefined; epoch?: number | undefined; limit: number }

async function readPage({ database }: HttpContext, { project_id, after, epoch, limit }: PageInput) {
  const before = await readLogBounds(database, project_id)
  if (!before) throw notFound.project(project_id)
  const from = after ?? before.oldest - 1
  const events = await readEvents(database, {
    project_id,
    after: from,
    limit,
    max_bytes: MAX_LOG_ANSWER_BYTES,
  })
  // The end of the log is read after the page, so that `last_seq` is never behind it.
  const bounds = (await readLogBounds(database, project_id)) ?? before
  if (epoch !== undefined && (epoch !== before.epoch || epoch !== bounds.epoch)) {
    throw refuse('gone', `The epoch of the project is ${bounds.epoch}: its log has begun again`, 'epoch')
  }
  // An empty page alone proves nothing: an event may have been committed after it was read.
  if (events[0]?.seq !== from + 1 && from < bounds.newest && from + 1 < bounds.oldest) {
    const message = `Events up to ${bounds.oldest - 1} are no longer kept; the oldest is ${bounds.oldest}`
    throw refuse('gone', message, 'after')
  }
  return { frames: events.map((event) => event.frame), last_seq: bounds.newest }
}

/** No log gets this far, so a reader at this number gets a reset. */
const NOWHERE = { seq: Number.MAX_SAFE_INTEGER }

/** EventSource sends it by itself: `SEQ` or `SEQ.EPOCH`. No event in the log has any other id. */
function readLastEventId(header = ''): { seq: number; epoch?: number | undefined } | undefined {
  if (header === '') return undefined
  const [, seq, epoch] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(header) ?? []
  return seq === undefined ? NOWHERE : { seq: Number(seq), epoch: epoch ? Number(epoch) : undefined }
}

/** Pulls a block only on demand. A cancel reaches the source also before the first pull. */
function toBytes(blocks: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const iterator = blocks[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      },
      async cancel() {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
