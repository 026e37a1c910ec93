import { InvalidArgumentError } from 'commander'
import { SignalboxError } from '#src/domain/errors.ts'
import type { LabelPatch, Labels } from '#src/domain/labels.ts'
import { parseSelector, type Selector } from '#src/domain/selector.ts'
import { type Opt, repeated, text } from './command.ts'
import { CliError } from './failure.ts'

/** A selector, as many commands take it. */
export const selecting = {
  selector: text('-l, --selector <selector>', 'only agents with these labels, such as team=a,env!=prod'),
}

/** For commands that choose the agents here. Elsewhere the server reads the selector. */
export function readSelector(text = ''): Selector {
  try {
    return parseSelector(text)
  } catch (error) {
    throw error instanceof SignalboxError ? new CliError('usage', `--selector: ${error.message}`) : error
  }
}

/** `NAME=VALUE`, where the value may be empty; undefined for any other text. */
export function splitAssignment(text: string): [name: string, value: string] | undefined {
  const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  return name === undefined ? undefined : [name, value]
}

/** The option `--label`, once for each label. */
export function labelOption(description: string): Opt<Labels | undefined> {
  return repeated('--label <key=value>', description, (value, before) => {
    const assigned = splitAssignment(value)
    if (!assigned) throw new InvalidArgumentError('It must be KEY=VALUE.')
    const [key, text] = assigned
    if (before && Object.hasOwn(before, key)) throw new InvalidArgumentError(`"${key}" is given twice.`)
    return { ...before, [key]: text }
  })
}

/** `KEY=VALUE` sets a label, `KEY-` removes it. The server knows what keys and values may be. */
export function parseLabels(words: readonly string[]): LabelPatch {
  const changes = new Map<string, string | null>()
  for (const [key, value] of words.map(parseLabel)) {
    if (changes.has(key)) throw new CliError('usage', `The label "${key}" is given twice`)
    changes.set(key, value)
  }
  return Object.fromEntries(changes)
}

function parseLabel(word: string): [key: string, value: string | null] {
  const assigned = splitAssignment(word)
  if (assigned) return assigned
  if (word.length > 1 && word.endsWith('-')) return [word.slice(0, -1), null]
  throw new CliError('usage', `"${word}" is not a label`, 'use KEY=VALUE, or KEY- to remove a label')
}

export function describeLabels({ labels }: { labels: Labels }): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}
