import { ApiError } from '#src/client/shared/api-error.ts'
import { sleep, within } from '#src/client/shared/timers.ts'
import { type Backoff, fullJitter } from '#src/domain/full-jitter.ts'
import type { Calls, Reset } from './operations.ts'
import type { EventFrame } from './types.ts'

type StreamOptions = { signal: AbortSignal | undefined; idle_timeout_ms: number }

/** The most characters of one event: ten times the server's largest. A longer one ends the stream with an ApiError. */
const MAX_EVENT = 16_777_216

/** The events of a stream, until it ends. The next stream continues after the last `seq` and `epoch` of this one. */
export async function* readEventStream(
  open: () => Promise<Response>,
  { signal, idle_timeout_ms }: StreamOptions,
): AsyncGenerator<EventFrame | Reset, void, undefined> {
  const response = await open()
  const type = response.headers.get('content-type') ?? 'none'
  if (!response.body || !type.startsWith('text/event-stream')) throw notAStream(`its type is ${type}`)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  const silence = { late: () => new Error('The stream sent nothing, not even a keep-alive') }
  let text = ''
  try {
    for (;;) {
      // A stream that was cut off or has frozen counts as ended.
      const { done, value } = await within(idle_timeout_ms, reader.read(), silence).catch(() => ended)
      if (done) {
        signal?.throwIfAborted()
        return
      }
      const blocks = (text + value).split('\n\n')
      text = blocks.pop() ?? ''
      if (text.length > MAX_EVENT) throw notAStream('an event has no end')
      for (const block of blocks) {
        const event = parseBlock(block)
        if (event) yield event
      }
    }
  } finally {
    // Not awaited: a frozen server never answers.
    reader.cancel().catch(() => {})
  }
}

const ended = { done: true, value: undefined } as const

/** The pauses between two streams; they grow where a server ends each stream at once. */
const BACKOFF: Backoff = { first_ms: 250, max_ms: 5_000 }
/** After a stream that lasted this long, the pauses start from the first again. */
const GOOD_AFTER_MS = 5_000

type EventsApi = Pick<Calls, 'events'> & { readonly signal?: AbortSignal | undefined }

/** Every event after `after`, live and without end: a stream that ends is followed by the next. Fails as a call does. */
export async function* eachEvent(
  api: EventsApi,
  project_id: string,
  after: { seq: number; epoch?: number | undefined },
): AsyncGenerator<EventFrame, void, undefined> {
  let last = after
  for (let failures = 0; ; failures++) {
    const began = performance.now()
    for await (const event of api.events.stream(project_id, { after: last.seq, epoch: last.epoch })) {
      last = event
      failures = 0
      if (event.type === 'event') yield event
    }
    if (performance.now() - began >= GOOD_AFTER_MS) failures = 0
    await sleep(fullJitter(failures, BACKOFF, Math.random()), api.signal)
  }
}

/**
 * Undefined for a comment, which keeps the connection alive. This parser reads what a Signalbox server writes;
 * `eventsource-parser`, which reads every stream, would make the whole client 14% larger. The tests of the server use it.
 */
function parseBlock(block: string): EventFrame | Reset | undefined {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
  )
  const data = fields.get('data')
  if (data === undefined) return undefined
  try {
    return fields.get('event') === 'reset' ? { type: 'reset', ...JSON.parse(data) } : JSON.parse(data)
  } catch (error) {
    throw notAStream('an event is not JSON', error)
  }
}

function notAStream(why: string, cause?: unknown): ApiError {
  const message = `The answer is not a Signalbox event stream: ${why}`
  return new ApiError({ status: 200, errors: [{ code: 'bad_answer', message, field: null }], cause })
}
