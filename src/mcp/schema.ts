import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import type * as v from 'valibot'

type Standard<Schema extends v.GenericSchema> = StandardSchemaWithJSON<
  v.InferInput<Schema>,
  v.InferOutput<Schema>
>
type Convert = Standard<v.GenericSchema>['~standard']['jsonSchema']['input']

/**
 * A validator as the SDK takes it. Over HTTP each request has a server of its own, which asks for all JSON Schemas, so each is
 * made once.
 */
export function toStandard<Schema extends v.GenericSchema>(schema: Schema): Standard<Schema> {
  const { jsonSchema, ...validator } = toStandardJsonSchema(schema)['~standard']
  return {
    '~standard': {
      ...validator,
      jsonSchema: { input: once(jsonSchema.input), output: once(jsonSchema.output) },
    },
  } as Standard<Schema>
}

/** The SDK asks for one target only. */
function once(convert: Convert): Convert {
  let made: Record<string, unknown> | undefined
  return (options) => {
    // What JSON Schema cannot say, the validator still checks.
    made ??= convert({ ...options, libraryOptions: { errorMode: 'ignore' } })
    return made
  }
}
