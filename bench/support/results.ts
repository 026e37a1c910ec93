import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** The given share (0 to 1) of the values lies at or below the result. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

export type Row = Record<string, string | number>

/** Medians, column by column, of the same row measured several times. */
export function medianRow(rows: readonly Row[]): Row {
  const [first = {}] = rows
  return Object.fromEntries(
    Object.entries(first).map(([column, value]) => [
      column,
      typeof value === 'number' ? round(median(rows.map((row) => Number(row[column])))) : value,
    ]),
  )
}

export function round(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(4))
}

/** Prints the rows as a table, and writes them with the machine's name to `bench/results/NAME.json`. */
export function publish(name: string, rows: readonly Row[]): void {
  console.log(`\n${name}`)
  console.table(rows)
  const folder = new URL('../results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length }
  const file = `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.json`
  writeFileSync(new URL(file, folder), `${JSON.stringify({ name, machine, rows }, null, 2)}\n`)
}

/** A target and whether this run met it: printed, never a reason to fail. */
export function target(what: string, measured: number, isMet: boolean): Row {
  return { target: what, measured: round(measured), met: isMet ? 'yes' : 'NO' }
}
