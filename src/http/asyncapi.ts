import * as v from 'valibot'
import { serverMessages } from '#src/protocol/messages/down.ts'
import { clientMessages } from '#src/protocol/messages/up.ts'
import { version } from '../version.ts'
import { type Json, toSchema } from './json-schema.ts'
import { API_BASE } from './router.ts'

type Messages = Record<string, v.GenericSchema>
type MessageObject = { name: string; summary: string; payload: Json; examples: { payload: Json }[] }

/** The parts of the AsyncAPI 3.0 document that its page reads. */
export type AsyncApi = {
  info: { title: string; version: string; description: string; license: Json }
  operations: Record<'receive' | 'send', { action: string; channel: Json; messages: { $ref: string }[] }>
  components: { messages: Record<string, MessageObject> }
  [part: string]: unknown
}

const inChannel = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` })

/** Made from the schemas. As AsyncAPI wants it, `receive` and `send` are the server's view. */
export function createAsyncApi(): AsyncApi {
  const all: Messages = { ...clientMessages, ...serverMessages }
  const names = Object.keys(all)
  const operation = (action: 'send' | 'receive', messages: Messages) => ({
    action,
    channel: { $ref: '#/channels/socket' },
    messages: Object.keys(messages).map(inChannel),
  })
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Signalbox',
      version,
      description: 'Watch projects and run agents over one WebSocket (subprotocol signalbox.v1).',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      socket: {
        address: `${API_BASE}/ws`,
        messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
        bindings: { ws: { method: 'GET' } },
      },
    },
    operations: {
      receive: operation('receive', clientMessages),
      send: operation('send', serverMessages),
    },
    components: {
      messages: {
        ...toMessages(clientMessages, 'input'),
        ...toMessages(serverMessages, 'output'),
      },
    },
  }
}

function toMessages(messages: Messages, typeMode: 'input' | 'output'): Record<string, MessageObject> {
  return Object.fromEntries(
    Object.entries(messages).map(([name, schema]) => {
      const { examples: _, ...payload } = toSchema(schema, typeMode)
      const summary = v.getDescription(schema) ?? ''
      return [name, { name, summary, payload, examples: examplesOf(schema) }]
    }),
  )
}

function examplesOf(schema: v.GenericSchema): { payload: Json }[] {
  const { examples = [] } = v.getMetadata(schema) as { examples?: Json[] }
  return examples.map((payload) => ({ payload }))
}
