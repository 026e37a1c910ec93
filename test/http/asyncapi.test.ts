import { describe, expect, it } from 'vitest'
import { clientMessages } from '#src/protocol/frames.ts'
import { serverMessages } from '#src/protocol/server-messages.ts'
import { backends } from '../support/backends.ts'
import { useApp } from './suite.ts'

type Ref = { $ref: string }
type Document = {
  asyncapi: string
  channels: { socket: { address: string; messages: Record<string, Ref> } }
  operations: Record<'send' | 'receive', { action: string; channel: Ref; messages: Ref[] }>
  components: { messages: Record<string, { name: string; payload: { type: string; required: string[] } }> }
}

describe('the AsyncAPI document', () => {
  const running = useApp(backends[0] as (typeof backends)[number])
  const read = async () => (await running().rest.as(undefined).get<Document>('/asyncapi.json')).body

  it('has every message of both sides, each with its shape', async () => {
    const document = await read()
    expect(document.asyncapi).toBe('3.0.0')
    expect(document.channels.socket.address).toBe('/api/v1/ws')
    const { receive, send } = document.operations
    const names = (refs: Ref[]) => refs.map(({ $ref }) => $ref.split('/').at(-1))
    expect(names(receive.messages)).toEqual(Object.keys(clientMessages))
    expect(names(send.messages)).toEqual(Object.keys(serverMessages))
    for (const [name, { payload }] of Object.entries(document.components.messages)) {
      expect(payload, name).toMatchObject({ type: 'object', required: expect.arrayContaining(['type']) })
    }
  })

  it('refers only to what is in it', async () => {
    const document = await read()
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)]
    expect(refs.length).toBeGreaterThan(40)
    for (const [, path = ''] of refs) {
      const found = path
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document)
      expect(found, path).toBeDefined()
    }
  })
})
