import { once } from 'node:events'
import { emitKeypressEvents, type Key } from 'node:readline'
import type { EventFrame } from '#src/client/rest/rest.ts'
import { type Watch, type WatchItem, watchProject } from '#src/client/watch/watch.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { matches, type Selector } from '#src/domain/selector.ts'
import type { Cli } from './cli.ts'
import { Screen } from './screen.ts'
import { toJsonLine, toLine } from './text.ts'
import { clampOffset, renderView } from './watch-view.ts'

export type WatchRequest = {
  project_id: string
  status: AgentStatus | undefined
  /** Only agents with these labels. */
  selector: Selector
}

/**
 * Follows a project until it is interrupted: on a terminal as a live table, with `--json` as one line of JSON for each
 * item, else as one line of text for each event.
 */
export async function watchAgents(cli: Cli, { project_id, status, selector }: WatchRequest): Promise<void> {
  const isMeant = ({ labels }: AgentSummary) => matches(selector, labels)
  // This call comes first, so that a missing session or right fails as in any other command.
  const project = await cli.api.projects.get(project_id)
  const watch = watchProject({ url: cli.url, token: () => cli.readToken(), project_id })
  const stop = () => watch.close()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  if (cli.isJson) return printItems(watch, isMeant, toJsonLine)
  if (!process.stdout.isTTY) return printItems(watch, isMeant, toText)
  await showTable(watch, { title: project.name, status, isMeant })
}

type Meaning = (agent: AgentSummary) => boolean
type Item = EventFrame | (Omit<Extract<WatchItem, { type: 'reset' }>, 'agents'> & { agents: AgentSummary[] })

async function printItems(watch: Watch, isMeant: Meaning, toLineOf: (item: Item) => string): Promise<void> {
  for await (const item of watch) {
    if (item.type === 'event' && item.agent && !isMeant(item.agent)) continue
    const line = toLineOf(
      item.type === 'event' ? item : { ...item, agents: [...item.agents.values()].filter(isMeant) },
    )
    // The watch waits for a slow reader, and catches up then.
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
  }
}

function toText(item: Item): string {
  if (item.type === 'reset') return `${item.agents.length} agents, as of event ${item.seq}`
  const { at, seq, name, agent, from, to, hold, budget } = item
  // Stops concern whatever agents a reader asks for.
  if (!agent) return `${at} ${seq} ${name} ${toLine(hold?.reason ?? budget?.name ?? '')}`.trimEnd()
  const change = from && to ? `${from} → ${to}` : agent.status
  return `${at} ${seq} ${name} ${toLine(agent.name)} ${change}`
}

type Shown = { title: string; status: AgentStatus | undefined; isMeant: Meaning }

async function showTable(watch: Watch, { title, status, isMeant }: Shown): Promise<void> {
  const { fleet } = watch
  let offset = 0
  const screen = new Screen(process.stdout, (height) => {
    const agents = [...fleet.agents.values()].filter(isMeant)
    const view = { title, status, offset, state: watch.state, seq: fleet.seq, agents }
    return renderView(view, { height, now: Date.now() })
  })
  const scroll = (rows: number) => {
    offset = clampOffset(offset + rows, fleet.agents.size, 1)
    screen.refresh()
  }
  const refresh = () => screen.refresh()
  const stopKeys = listenToKeys({ quit: () => watch.close(), scroll })
  const stopState = watch.on('state', refresh)
  process.stdout.on('resize', refresh)
  // The countdown of an offline watch changes every second.
  const clock = setInterval(refresh, 1_000)
  try {
    screen.paint()
    for await (const _ of watch) screen.refresh()
  } finally {
    clearInterval(clock)
    process.stdout.off('resize', refresh)
    stopState()
    stopKeys()
    screen.close()
  }
}

const PAGE = 10
const steps: Partial<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1, pageup: -PAGE, pagedown: PAGE }

type KeyActions = { quit: () => void; scroll: (rows: number) => void }

/** Returns a function that stops listening. In raw mode Ctrl-C arrives as a key. */
function listenToKeys({ quit, scroll }: KeyActions): () => void {
  const { stdin } = process
  if (!stdin.isTTY) return () => {}
  const listen = (_: string | undefined, { name = '', ctrl }: Key) => {
    if (name === 'q' || (ctrl && name === 'c')) quit()
    const rows = steps[name]
    if (rows !== undefined) scroll(rows)
  }
  emitKeypressEvents(stdin)
  stdin.setRawMode(true).resume().on('keypress', listen)
  return () => {
    stdin.off('keypress', listen).setRawMode(false).pause()
  }
}
