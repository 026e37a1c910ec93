import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema'
import type * as v from 'valibot'

export type Json = Record<string, unknown>
type Schemas = Record<string, v.GenericSchema>
/** What may be sent, or what comes back. */
type Mode = 'input' | 'output'

/** A validator as the documents show it. */
export function toSchema(schema: v.GenericSchema, typeMode: Mode): Json {
  const { $schema: _, ...rest } = toJsonSchema(schema, toConfig(typeMode)) as Json
  return rest
}

/** Validators as `components/schemas` of a document; where one is part of another, it is a reference. */
export function toComponents(schemas: Schemas, typeMode: Mode): Record<string, Json> {
  return toJsonSchemaDefs(schemas, toConfig(typeMode)) as Record<string, Json>
}

/** A validator in which those of `components/schemas` are references; itself, too. */
export function toReferring(schema: v.GenericSchema, typeMode: Mode, schemas: Schemas): Json {
  const known = Object.entries(schemas).find(([, one]) => one === schema)
  if (known) return { $ref: toRef(known[0]) }
  const config = { ...toConfig(typeMode), definitions: schemas }
  const { $schema: _, $defs: __, ...rest } = toJsonSchema(schema, config) as Json
  return rest
}

const toRef = (name: string) => `#/components/schemas/${name}`

function toConfig(typeMode: Mode): ConversionConfig {
  return { typeMode, errorMode: 'ignore', overrideRef: ({ referenceId }) => toRef(referenceId) }
}
