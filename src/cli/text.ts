/** Control characters and those that turn the direction of writing: an agent's text could forge a terminal's. */
const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** Somebody else's text, fit for one line of a terminal. */
export function toLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(unsafe, '\ufffd')
}

const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
const segmenter = new Intl.Segmenter()

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of segmenter.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** At most so many columns of it. */
export function shorten(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let short = ''
  let left = columns - 1
  for (const { segment } of segmenter.segment(text)) {
    left -= widthOf(segment)
    if (left < 0) break
    short += segment
  }
  return `${short}…`
}

/** Makes something of a cell that has its width already, such as a colour. */
type Paint = (cell: string, column: number, row: number) => string

/** Columns as wide as they need to be, under their names. */
export function toTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint = (cell) => cell,
): string[] {
  const lines = [header, ...rows.map((row) => row.map(toLine))]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))))
  const padded = lines.map((line) => line.map((cell, column) => pad(cell, widths[column] ?? 0)))
  return padded.map((line, index) => {
    const cells = index === 0 ? line : line.map((cell, column) => paint(cell, column, index - 1))
    return cells.join('  ').trimEnd()
  })
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(width - widthOf(cell))
}

/** `name  value`, a line for each. */
export function toFields(fields: Record<string, string>): string {
  return toTable(['', ''], Object.entries(fields)).slice(1).join('\n')
}
