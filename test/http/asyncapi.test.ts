import specs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { serverMessages } from '#src/protocol/messages/down.ts'
import { clientMessages } from '#src/protocol/messages/up.ts'
import { backends } from '../support/backends.ts'
import { useApp } from './suite.ts'

type Ref = { $ref: string }
type Message = {
  name: string
  payload: { type: string; required: string[] }
  examples: { payload: { type: string } }[]
}
type Document = {
  asyncapi: string
  channels: { socket: { address: string; messages: Record<string, Ref> } }
  operations: Record<'send' | 'receive', { action: string; channel: Ref; messages: Ref[] }>
  components: { messages: Record<string, Message> }
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

  it('is valid AsyncAPI 3.0, and all its payloads are JSON Schema', async () => {
    const document = await read()
    const ajv = new Ajv({ strict: false, allErrors: true })
    formats.default(ajv)
    const validate = ajv.compile(specs.schemasWithoutId['3.0.0'])
    expect(validate(document) ? [] : validate.errors).toEqual([])
    const broken = { ...document, operations: { send: { action: 'shout' } } }
    expect(validate(broken)).toBe(false)
    const payloads = new Ajv2020({ strict: false })
    formats.default(payloads)
    for (const [name, { payload }] of Object.entries(document.components.messages)) {
      expect(payloads.validateSchema(payload), name).toBe(true)
    }
  })

  it('has an example frame of every message, which its payload allows', async () => {
    const ajv = new Ajv2020({ strict: false })
    formats.default(ajv)
    for (const [name, { payload, examples }] of Object.entries((await read()).components.messages)) {
      expect(examples.map((example) => example.payload.type)).toEqual([name])
      const validate = ajv.compile(payload)
      expect(validate(examples[0]?.payload) ? [] : validate.errors, name).toEqual([])
    }
  })

  it('is a page to read, with every message and no script', async () => {
    const { body, headers } = await running().rest.as(undefined).get<string>('/docs/websocket')
    expect(headers.get('content-type')).toContain('text/html')
    for (const name of [...Object.keys(clientMessages), ...Object.keys(serverMessages)]) {
      expect(body).toContain(`<article id="${name}">`)
      expect(body).toContain(`&quot;type&quot;: &quot;${name}&quot;`)
    }
    expect(body).not.toContain('<script')
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
