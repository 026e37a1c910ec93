import type { Api } from '#src/client/rest/rest.ts'
import { toCsv } from '#src/domain/csv.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import type { LogFilters } from './log.ts'

export const exportFormats = {
  jsonl: { label: 'JSON Lines', type: 'application/x-ndjson' },
  csv: { label: 'CSV', type: 'text/csv' },
} as const
export type ExportFormat = keyof typeof exportFormats

/** A file of more events, or of more characters, ends here, and the page says so. */
const MAX_EVENTS = 100_000
const MAX_CHARACTERS = 100_000_000
const PAGE_SIZE = 1_000
const PATIENCE = { retries: 10, max_wait_ms: 120_000 }

export type ExportProgress = { looked: number; of: number; found: number }
export type Exported = { text: string; found: number; isCut: boolean }

type Asked = { api: Api; project_id: string; filters: LogFilters; format: ExportFormat; signal: AbortSignal }

/** Everything that matches in the log that is kept, oldest first. */
export async function exportLog(
  { api, project_id, filters, format, signal }: Asked,
  onProgress: (progress: ExportProgress) => void,
): Promise<Exported> {
  const patient = api.with({ ...PATIENCE, signal })
  const parts: string[] = format === 'csv' ? [header] : []
  const progress: ExportProgress = { looked: 0, of: 0, found: 0 }
  let characters = 0
  let end: number | undefined
  for (let after = 0; ; ) {
    const { data, searched, oldest_seq, last_seq } = await patient.events.search(project_id, {
      ...filters,
      after,
      limit: PAGE_SIZE,
    })
    end ??= last_seq
    const last = end
    const events = data.filter(({ seq }) => seq <= last)
    const text = events.length > 0 ? write(events, format) : ''
    parts.push(text)
    characters += text.length
    progress.found += events.length
    progress.looked = Math.min(searched.to, last) - oldest_seq + 1
    progress.of = last - oldest_seq + 1
    onProgress({ ...progress })
    const isCut = progress.found >= MAX_EVENTS || characters >= MAX_CHARACTERS
    if (isCut || searched.to >= last || searched.to <= after) {
      return { text: parts.join(''), found: progress.found, isCut: isCut && searched.to < last }
    }
    after = searched.to
  }
}

const columns = [
  'seq',
  'at',
  'name',
  'agent_id',
  'agent',
  'actor',
  'actor_id',
  'from',
  'to',
  'status',
  'task',
]
const header = toCsv(columns, [])

function write(events: readonly EventFrame[], format: ExportFormat): string {
  if (format === 'jsonl') return events.map((event) => `${JSON.stringify(event)}\n`).join('')
  return toCsv(columns, events.map(toRow)).slice(header.length)
}

function toRow({ seq, at, name, agent, actor, from, to }: EventFrame): (string | number | null)[] {
  return [
    seq,
    at,
    name,
    agent?.id ?? null,
    agent?.name ?? null,
    actor.kind,
    actor.id,
    from ?? null,
    to ?? null,
    agent?.status ?? null,
    agent?.current_task ?? null,
  ]
}
