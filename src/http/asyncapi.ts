import type * as v from 'valibot'
import { clientMessages } from '#src/protocol/frames.ts'
import { serverMessages } from '#src/protocol/server-messages.ts'
import { version } from '../version.ts'
import { type Json, toSchema } from './json-schema.ts'
import { messageSummaries } from './message-summaries.ts'
import { API_BASE } from './router.ts'

type MessageName = keyof typeof messageSummaries
type Messages = Partial<Record<MessageName, v.GenericSchema>>

/** The AsyncAPI 3.0 document of the WebSocket, as far as its page reads it. */
export type AsyncApi = {
  info: { title: string; version: string; description: string; license: Json }
  operations: Record<'receive' | 'send', { action: string; channel: Json; messages: { $ref: string }[] }>
  components: { messages: Record<string, { name: string; summary: string; payload: Json }> }
  [part: string]: unknown
}

const inChannel = (name: string) => ({ $ref: `#/channels/socket/messages/${name}` })

/** Made from the schemas; its operations are the server's. */
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
      description: 'Watching projects and steering agents over one WebSocket (subprotocol signalbox.v1).',
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

function toMessages(messages: Messages, typeMode: 'input' | 'output'): AsyncApi['components']['messages'] {
  return Object.fromEntries(
    Object.entries(messages).map(([name, schema]) => [
      name,
      { name, summary: messageSummaries[name as MessageName], payload: toSchema(schema, typeMode) },
    ]),
  )
}
