import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { parse } from 'yaml'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Reads one document and resolves its merge keys. The result has only the fields of the schema. */
export function readYaml<Output>(path: string, schema: v.GenericSchema<unknown, Output>): Output {
  return v.parse(schema, parse(readFileSync(root + path, 'utf8'), { merge: true }))
}

/** A fixed version. The operator gives Signalbox's own. */
export const pinnedImage = /^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)*$/
