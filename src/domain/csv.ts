export type CsvCell = string | number | null

/**
 * Comma-separated values (RFC 4180). Null is nothing, and an empty text `""`. A text that a spreadsheet would take for a
 * formula gets an apostrophe in front.
 */
export function toCsv(header: readonly string[], rows: Iterable<readonly CsvCell[]>): string {
  let csv = `${header.join(',')}\r\n`
  for (const row of rows) csv += `${row.map(toCell).join(',')}\r\n`
  return csv
}

function toCell(cell: CsvCell): string {
  if (cell === null || typeof cell === 'number') return String(cell ?? '')
  const text = /^[=+\-@\t\r\n]/.test(cell) ? `'${cell}` : cell
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
