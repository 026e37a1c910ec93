import { SignalboxError } from '#src/domain/errors.ts'
import { parseSelector, type Selector } from '#src/domain/selector.ts'

/** What the search box asks for: text to find, and then a selector of labels. */
export type Search = {
  text: string
  selector: Selector
  /** Why the selector can't be read; the position counts the characters of the box, from 1. */
  problem?: string
}

const PREFIX = 'labels:'
/**
 * Where a selector begins: at the first word with `=`, at one that begins with `!`, or before `in (` or `notin (`. What ends
 * with a comma before that belongs to it.
 */
const start = /(?:^|\s)(?:[^\s,]+,\s*)*(?:!|[^\s,=!]*\s*!?=|[^\s,]+\s+(?:not)?in\s*\()/

/** Reads the search box. After `labels:` everything is a selector, so that it can be a key alone. */
export function readSearch(typed: string): Search {
  const { text, from } = splitSearch(typed)
  try {
    return { text, selector: parseSelector(' '.repeat(from) + typed.slice(from)) }
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    return { text, selector: [], problem: error.message }
  }
}

/** What is typed, with one more label to ask for, unless it is asked for already. */
export function addLabel(typed: string, key: string, value: string): string {
  const { selector } = readSearch(typed)
  if (selector.some((term) => term.is === 'in' && term.key === key && term.values.join() === value)) {
    return typed
  }
  const term = `${key}=${value}`
  const before = typed.trim()
  if (before === '' || before.endsWith(',') || before.endsWith(PREFIX)) return before + term
  return before + (splitSearch(before).from < before.length ? ',' : ' ') + term
}

function splitSearch(typed: string): { text: string; from: number } {
  const prefixed = typed.indexOf(PREFIX)
  if (prefixed >= 0 && /^$|\s$/.test(typed.slice(0, prefixed))) {
    return { text: typed.slice(0, prefixed).trim(), from: prefixed + PREFIX.length }
  }
  const from = start.exec(typed)?.index ?? typed.length
  return { text: typed.slice(0, from).trim(), from }
}
