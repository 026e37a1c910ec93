import { transportError } from './rest-error.ts'
import type { Reset } from './rest-operations.ts'
import type { EventFrame } from './rest-types.ts'

/** The events of a stream, until it ends; whoever goes on afterwards does so with `after`, the last `seq`. */
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
      const { done, value } = await reader.read().catch((error: unknown) => {
        signal?.throwIfAborted()
        throw transportError('unreachable', 'The stream was cut off', error)
      })
      if (done) return
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

/** Undefined: a comment, which keeps the connection alive. */
function parseBlock(block: string): EventFrame | Reset | undefined {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
  )
  const data = fields.get('data')
  if (data === undefined) return undefined
  return fields.get('event') === 'reset' ? { type: 'reset', ...JSON.parse(data) } : JSON.parse(data)
}
