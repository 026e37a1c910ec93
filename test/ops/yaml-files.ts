import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { parse } from 'yaml'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Reads one document, with its merge keys followed; only what the schema names is known of it. */
export function readYaml<Output>(path: string, schema: v.GenericSchema<unknown, Output>): Output {
  return v.parse(schema, parse(readFileSync(root + path, 'utf8'), { merge: true }))
}

/** A version, not a name that moves; Signalbox's own is given by whoever deploys it. */
export const pinnedImage = /^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)*$/
