import { writeFileSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { agent, methods, ndJsonStream } from '@agentclientprotocol/sdk'

/**
 * A small agent on the protocol's own library. `ask` asks for permission, `ask at length` does so with long ids, `work` works until
 * it is cancelled, anything else is repeated. `heard`: the file that counts the prompts.
 */
const [, , heard = ''] = process.argv
const cancelled = new Map<string, () => void>()
let prompts = 0

const input = Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>
const connection = agent({ name: 'small' })
  .onRequest(methods.agent.initialize, () => ({ protocolVersion: 1, agentCapabilities: {} }))
  .onRequest(methods.agent.session.new, () => ({ sessionId: 's1' }))
  .onNotification(methods.agent.session.cancel, ({ params }) => cancelled.get(params.sessionId)?.())
  .onRequest(methods.agent.session.prompt, async ({ params: { sessionId, prompt }, client }) => {
    writeFileSync(heard, String(++prompts))
    const [block] = prompt
    const text = block?.type === 'text' ? block.text : ''
    const say = (said: string) =>
      client.notify(methods.client.session.update, {
        sessionId,
        update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: said } },
      })
    if (text === 'work') {
      await new Promise<void>((resolve) => cancelled.set(sessionId, resolve))
      return { stopReason: 'cancelled' }
    }
    if (text.startsWith('ask')) {
      const end = text === 'ask' ? '' : '-'.repeat(64)
      const { outcome } = await client.request(methods.client.session.requestPermission, {
        sessionId,
        toolCall: {
          toolCallId: 'c1',
          title: 'Delete the branch',
          kind: 'execute',
          rawInput: { command: 'git branch -D x' },
        },
        options: [
          { optionId: `yes-id${end}`, name: 'Yes', kind: 'allow_once' },
          { optionId: `no-id${end}`, name: 'No', kind: 'reject_once' },
        ],
      })
      await say(outcome.outcome === 'selected' ? outcome.optionId : outcome.outcome)
    } else await say(text)
    await client.notify(methods.client.session.update, {
      sessionId,
      update: {
        sessionUpdate: 'usage_update',
        used: 10,
        size: 100,
        cost: { amount: prompts * 0.25, currency: 'USD' },
      },
    })
    return { stopReason: 'end_turn', usage: { totalTokens: 30, inputTokens: 20, outputTokens: 10 } }
  })
  .connect(ndJsonStream(Writable.toWeb(process.stdout), input))
await connection.closed
