import type { Calls, Reset } from './rest-operations.ts'
import type { EventFrame } from './rest-types.ts'

/** The events of a stream, until it ends; whoever goes on afterwards does so with its last `seq` and `epoch`. */
export async function* readEventStream(
  open: () => Promise<Response>,
  signal: AbortSignal | undefined,
): AsyncGenerator<EventFrame | Reset, void, undefined> {
  const response = await open()
  if (!response.body) return
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  try {
    for (;;) {
      // One that is cut off has ended.
      const { done, value } = await reader.read().catch(() => ({ done: true as const, value: undefined }))
      if (done) {
        signal?.throwIfAborted()
        return
      }
      const blocks = (text + value).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = parseBlock(block)
        if (event) yield event
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** Every event after one, live, for ever: where a stream ends, the next goes on. Fails as a call does. */
export async function* eachEvent(
  api: Pick<Calls, 'events'>,
  project_id: string,
  after: { seq: number; epoch?: number | undefined },
): AsyncGenerator<EventFrame, void, undefined> {
  let last = after
  for (;;) {
    for await (const event of api.events.stream(project_id, { after: last.seq, epoch: last.epoch })) {
      last = event
      if (event.type === 'event') yield event
    }
  }
}

/** Undefined: a comment, which keeps the connection alive. */
function parseBlock(block: string): EventFrame | Reset | undefined {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
  )
  const data = fields.get('data')
  if (data === undefined) return undefined
  return fields.get('event') === 'reset' ? { type: 'reset', ...JSON.parse(data) } : JSON.parse(data)
}
