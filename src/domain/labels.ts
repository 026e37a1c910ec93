import { refuse } from './errors.ts'

/** What agents are grouped by. */
export type Labels = Record<string, string>
/** A JSON Merge Patch of labels: null removes a key. */
export type LabelPatch = Record<string, string | null>

export const MAX_LABELS = 32

export const labelKeyRule = /^[A-Za-z0-9]([-A-Za-z0-9_./]{0,61}[A-Za-z0-9])?$/
export const labelValueRule = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** Refuses with `invalid`, field `labels`, where the result has too many. */
export function mergeLabels(labels: Labels, patch: LabelPatch): Labels {
  const merged = new Map<string, string>(Object.entries(labels))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, value)
  }
  if (merged.size > MAX_LABELS) throw refuse('invalid', `Must have at most ${MAX_LABELS} labels`, 'labels')
  // In the database's order of keys, so that the event has the same text as later reads.
  const inOrder = [...merged].sort(([left], [right]) => left.length - right.length || (left < right ? -1 : 1))
  return Object.fromEntries(inOrder)
}
