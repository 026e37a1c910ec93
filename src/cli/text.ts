import stringWidth from 'string-width'
import type { Actor } from '#src/domain/actor.ts'

/** Control characters and those that change the direction of writing: an agent could forge terminal output with them. */
const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** Untrusted text made safe for one line of a terminal. */
export function toLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(unsafe, '\ufffd')
}

/** JSON on one line. Characters that a terminal would obey are escaped, also those that JSON leaves as they are. */
export function toJsonLine(value: object): string {
  const toEscape = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replaceAll(unsafe, toEscape)
}

const segmenter = new Intl.Segmenter()

/** Cuts a text to at most `columns` of a terminal. */
export function shorten(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text
  let short = ''
  let left = columns - 1
  for (const { segment } of segmenter.segment(text)) {
    left -= stringWidth(segment)
    if (left < 0) break
    short += segment
  }
  return `${short}…`
}

/** Changes a cell without its width, such as its colour. */
type Paint = (cell: string, column: number, row: number) => string

/** Lines of a table: a header, and columns as wide as their longest cell. */
export function toTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint = (cell) => cell,
): string[] {
  return alignCells([header, ...rows.map((row) => row.map(toLine))], paint)
}

/** The same of cells that are safe for a terminal. */
export function alignCells(lines: readonly (readonly string[])[], paint: Paint): string[] {
  const [header = []] = lines
  const widths = header.map((_, column) => Math.max(...lines.map((line) => stringWidth(line[column] ?? ''))))
  const padded = lines.map((line) => line.map((cell, column) => pad(cell, widths[column] ?? 0)))
  return padded.map((line, index) => {
    const cells = index === 0 ? line : line.map((cell, column) => paint(cell, column, index - 1))
    return cells.join('  ').trimEnd()
  })
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - stringWidth(cell))
}

/** Such as `user 0192…`, or `system`. */
export function describeActor({ kind, id }: Actor): string {
  return id === null ? kind : `${kind} ${id}`
}

/** A bar of `width` columns, of which `filled` are full. */
export function drawBar(filled: number, width: number): string {
  return '█'.repeat(filled) + '░'.repeat(width - filled)
}

/** One line `name  value` for each field. */
export function toFields(fields: Record<string, string>): string {
  return toTable(['', ''], Object.entries(fields)).slice(1).join('\n')
}
