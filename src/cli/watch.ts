import { once } from 'node:events'
import { emitKeypressEvents, type Key } from 'node:readline'
import { type Watch, type WatchItem, watchProject } from '#src/client/watch.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { Cli } from './cli.ts'
import { Screen } from './screen.ts'
import { toLine } from './text.ts'
import { clampOffset, renderView } from './watch-view.ts'

export type WatchRequest = { project_id: string; status: AgentStatus | undefined }

/**
 * Follows a project until it is interrupted: on a terminal as a table that is drawn anew, with `--json` as a line of
 * JSON for each item, else as a line of text for each event.
 */
export async function watchAgents(cli: Cli, { project_id, status }: WatchRequest): Promise<void> {
  // Asked first: who may not, or is not signed in, is told so as by any other command.
  const project = await cli.api.projects.get(project_id)
  const watch = watchProject({ url: cli.url, token: () => cli.readToken(), project_id })
  const stop = () => watch.close()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  if (cli.is_json) return printItems(watch, toJson)
  if (!process.stdout.isTTY) return printItems(watch, toText)
  await showTable(watch, { title: project.name, status })
}

async function printItems(watch: Watch, toLineOf: (item: WatchItem) => string): Promise<void> {
  for await (const item of watch) {
    // A reader that is slow makes the watch wait, which then catches up.
    if (!process.stdout.write(`${toLineOf(item)}\n`)) await once(process.stdout, 'drain')
  }
}

function toJson(item: WatchItem): string {
  return JSON.stringify(item.type === 'reset' ? { ...item, agents: [...item.agents.values()] } : item)
}

function toText(item: WatchItem): string {
  if (item.type === 'reset') return `${item.agents.size} agents, as of event ${item.seq}`
  const { at, seq, name, agent, from, to } = item
  const change = from && to ? `${from} → ${to}` : agent.status
  return `${at} ${seq} ${name} ${toLine(agent.name)} ${change}`
}

type Shown = { title: string; status: AgentStatus | undefined }

async function showTable(watch: Watch, { title, status }: Shown): Promise<void> {
  const { fleet } = watch
  let offset = 0
  const screen = new Screen(process.stdout, (height) => {
    const view = { title, status, offset, state: watch.state, seq: fleet.seq, agents: fleet.agents.values() }
    return renderView(view, { height, now: Date.now() })
  })
  const scroll = (rows: number) => {
    offset = clampOffset(offset + rows, fleet.agents.size, 1)
    screen.refresh()
  }
  const refresh = () => screen.refresh()
  const quiet = listenToKeys({ quit: () => watch.close(), scroll })
  const unheard = watch.on('state', refresh)
  process.stdout.on('resize', refresh)
  // While it is offline, seconds go by.
  const clock = setInterval(refresh, 1_000)
  try {
    screen.paint()
    for await (const _ of watch) screen.refresh()
  } finally {
    clearInterval(clock)
    process.stdout.off('resize', refresh)
    unheard()
    quiet()
    screen.close()
  }
}

const PAGE = 10
const steps: Partial<Record<string, number>> = { up: -1, k: -1, down: 1, j: 1, pageup: -PAGE, pagedown: PAGE }

type Hands = { quit: () => void; scroll: (rows: number) => void }

/** Returns what ends the listening. In raw mode a Ctrl-C is a key like any other. */
function listenToKeys({ quit, scroll }: Hands): () => void {
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
