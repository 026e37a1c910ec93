import { expect, test } from 'vitest'
import { toSchema } from '#src/http/json-schema.ts'
import { serverMessages } from '#src/protocol/messages/down.ts'
import { clientMessages } from '#src/protocol/messages/up.ts'

/**
 * A change of the wire shows as a difference of `wire.json`. If it is meant, and old servers and clients can live with
 * it, `npx vitest run test/protocol/wire.test.ts --update` records it.
 */
test('every message has the shape that wire.json records', async () => {
  const schemas = (messages: Record<string, Parameters<typeof toSchema>[0]>, mode: 'input' | 'output') =>
    Object.fromEntries(Object.entries(messages).map(([name, schema]) => [name, toSchema(schema, mode)]))
  const wire = { client: schemas(clientMessages, 'input'), server: schemas(serverMessages, 'output') }
  await expect(`${JSON.stringify(wire, withoutWords, 2)}\n`).toMatchFileSnapshot('wire.json')
})

/** Descriptions and examples may be reworded at any time. */
function withoutWords(key: string, value: unknown): unknown {
  if (key === 'examples' && Array.isArray(value)) return undefined
  return key === 'description' && typeof value === 'string' ? undefined : value
}
