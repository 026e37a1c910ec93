import type { LinkState } from '#src/client/connection/state.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { type AgentStatus, agentStatuses } from '#src/domain/lifecycle.ts'
import { describeControl, describeRuntime, paintStatus } from './agent-text.ts'
import { toLine, toTable } from './text.ts'

export type View = {
  title: string
  state: LinkState
  seq: number | undefined
  agents: Iterable<AgentSummary>
  /** Only agents in this status; undefined: all that are not terminated. */
  status: AgentStatus | undefined
  /** The number of rows above the screen. */
  offset: number
}

/** The task is last, since a terminal cuts off long lines. */
const columns = {
  NAME: ({ name }: AgentSummary) => name,
  STATUS: ({ status }: AgentSummary) => status,
  TYPE: ({ agent_type_slug }: AgentSummary) => agent_type_slug,
  TOKENS: ({ tokens_used }: AgentSummary) => String(tokens_used),
  COST: ({ cost_incurred }: AgentSummary) => cost_incurred,
  RUNTIME: describeRuntime,
  CONTROL: describeControl,
  TASK: ({ current_task }: AgentSummary) => current_task ?? '',
}
const STATUS_COLUMN = Object.keys(columns).indexOf('STATUS')
/** Title, counts and the header above, keys below. */
const FRAME_ROWS = 5

/** Sorts `Engine 2` before `Engine 10`, in every locale. */
const byName = new Intl.Collator('en', { numeric: true })

/** The lines of one screen. */
export function renderView(view: View, { height, now }: { height: number; now: number }): string[] {
  const all = [...view.agents]
  const shown = all.filter(({ status }) => (view.status ? status === view.status : status !== 'terminated'))
  shown.sort((a, b) => byName.compare(a.name, b.name) || byName.compare(a.id, b.id))
  const room = Math.max(1, height - FRAME_ROWS)
  const offset = clampOffset(view.offset, shown.length, room)
  const rows = shown.slice(offset, offset + room)
  const cells = rows.map((agent) => Object.values(columns).map((read) => read(agent)))
  const table = toTable(Object.keys(columns), cells, (cell, column, row) => {
    const agent = rows[row]
    return agent && column === STATUS_COLUMN ? paintStatus(agent.status, cell) : cell
  })
  const place =
    shown.length > rows.length
      ? `${offset + 1} to ${offset + rows.length} of ${shown.length}, ↑↓ scrolls; `
      : ''
  return [
    `${toLine(view.title)}: ${describeState(view.state, now)}${view.seq === undefined ? '' : `, event ${view.seq}`}`,
    countStatuses(all),
    '',
    ...table,
    `${place}q quits`,
  ]
}

export function clampOffset(offset: number, total: number, room: number): number {
  return Math.max(0, Math.min(offset, total - room))
}

function countStatuses(agents: readonly AgentSummary[]): string {
  const counts = agentStatuses.map((status) => {
    const count = agents.filter((agent) => agent.status === status).length
    return paintStatus(status, `${count} ${status}`)
  })
  return counts.join('  ')
}

function describeState(state: LinkState, now: number): string {
  if (state.kind !== 'offline') return state.kind.replace('_', ' ')
  const seconds = Math.max(0, Math.ceil((state.retry_at - now) / 1000))
  return `offline, retrying in ${seconds} s: ${toLine(state.error.message)}`
}
