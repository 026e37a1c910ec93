import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { answerSchemas, bodySchemas } from '#src/http/schemas.ts'
import { serverMessages } from '#src/protocol/messages/down.ts'
import { clientMessages } from '#src/protocol/messages/up.ts'

const named = { ...answerSchemas, ...bodySchemas }
const messages = { ...clientMessages, ...serverMessages }

describe('the examples of the documents', () => {
  it.each(Object.entries(named))('%s fits its schema', (_name, { schema, example }) => {
    expect(v.safeParse(schema, example).issues).toBeUndefined()
  })

  it.each(Object.entries(messages))('the frame %s fits its schema', (_name, schema) => {
    const { examples } = v.getMetadata<v.GenericSchema>(schema)
    expect(examples).toHaveLength(1)
    for (const example of Array.isArray(examples) ? examples : []) {
      expect(v.safeParse(schema, example).issues).toBeUndefined()
    }
  })
})
