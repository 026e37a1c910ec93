import * as v from 'valibot'
import type { Authentication } from '#src/auth/authenticate.ts'
import { notFound, refuse } from '#src/domain/errors.ts'
import { eventFrame } from '#src/protocol/event.ts'
import { eventStreamQuery, eventsQuery } from '#src/protocol/resources.ts'
import { count } from '#src/protocol/values.ts'
import { readEvents, readLogBounds } from '#src/store/events.ts'
import type { HttpContext } from '../context.ts'
import { toLimitKey } from '../limit-key.ts'
import { defineRoute, limits, type Route } from '../route.ts'

/** Of the events of one answer: a thousand of them, where they are ordinary ones, are one. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

const streamHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}
const eventPage = v.object({ data: v.array(eventFrame), last_seq: count })

/** Starts a project's live stream; undefined: no such project. Refuses with `rate_limited`. The real-time side provides it. */
export type OpenEventStream = (
  project_id: string,
  reader: {
    after: { seq: number; epoch?: number | undefined } | undefined
    authentication: Authentication
    /** As limits count it. */
    address: string
  },
) => Promise<AsyncIterable<string> | undefined>

export function eventRoutes(): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/events',
      operation_id: 'list_events',
      summary:
        'The event log after a number (without one: from the oldest that is kept), oldest first, about 4 MiB at most: fewer than `limit` events are the end only where the last is `last_seq`; 410 where the epoch is another',
      tag: 'Events',
      limit: limits.read,
      access: 'read_events',
      query: eventsQuery,
      success: { status: 200, schema: eventPage, description: 'Events, and the newest number of the log' },
      async handle({ context, params: { project_id }, query, c }) {
        const { frames, last_seq } = await readPage(context, { project_id, ...query })
        // The log's frames are JSON already.
        return c.body(`{"data":[${frames.join(',')}],"last_seq":${last_seq}}`, 200, {
          'Content-Type': 'application/json',
        })
      },
    }),
    defineRoute({
      method: 'get',
      path: '/projects/{project_id}/events/stream',
      operation_id: 'stream_events',
      summary: 'The event log as server-sent events, live; resumes by Last-Event-ID, or after and epoch',
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
        // A HEAD has no body: a stream that nobody reads would stay open for ever.
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
  const events = await readEvents(database, { project_id, after: from, limit, max_bytes: MAX_ANSWER_BYTES })
  // The end of the log is read after the page, so that `last_seq` is never behind it.
  const bounds = (await readLogBounds(database, project_id)) ?? before
  if (epoch !== undefined && (epoch !== before.epoch || epoch !== bounds.epoch)) {
    throw refuse('gone', `The epoch of the project is ${bounds.epoch}: its log counts anew`, 'epoch')
  }
  // An empty page alone says nothing: what was committed after it was read is there, and not gone.
  if (events[0]?.seq !== from + 1 && from < bounds.newest && from + 1 < bounds.oldest) {
    const message = `Events up to ${bounds.oldest - 1} are no longer kept; the oldest is ${bounds.oldest}`
    throw refuse('gone', message, 'after')
  }
  return { frames: events.map((event) => event.frame), last_seq: bounds.newest }
}

/** No log has come so far: whoever is there gets a reset. */
const NOWHERE = { seq: Number.MAX_SAFE_INTEGER }

/** What EventSource sends by itself, `SEQ` or `SEQ.EPOCH`. Any other id is of no event in the log. */
function readLastEventId(header = ''): { seq: number; epoch?: number | undefined } | undefined {
  if (header === '') return undefined
  const [, seq, epoch] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(header) ?? []
  return seq === undefined ? NOWHERE : { seq: Number(seq), epoch: epoch ? Number(epoch) : undefined }
}

/** Pulls a block when it is asked for one; given up, it says so, also where it was never asked. */
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
