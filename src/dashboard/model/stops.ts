import { type Signal, signal } from '@preact/signals'
import type { ActionName } from '#src/domain/actions.ts'
import type { Actor } from '#src/domain/actor.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { type Progress, progress } from './progress.ts'
import type { ProjectLive } from './project-live.ts'

export const stopWays = ['pause', 'terminate'] as const satisfies ActionName[]
export type StopWay = (typeof stopWays)[number]

/** A stop of a whole project, from the server's answer until its operator dismisses it. */
export type Stop = {
  way: StopWay
  /** The newest command of each agent before it. */
  before: ReadonlyMap<string, string | undefined>
  /** Those that got the command, as far as is known: `tally` adds to it. */
  reached: Set<string>
  /** Whether its dialog is open; else a bar shows how far it has come. */
  isOpen: boolean
}

const stops = new WeakMap<ProjectLive, Signal<Stop | undefined>>()

export function stopOf(live: ProjectLive): Signal<Stop | undefined> {
  const known = stops.get(live) ?? signal<Stop | undefined>(undefined)
  stops.set(live, known)
  return known
}

/** The newest command of each agent now. */
export function newestCommands(live: ProjectLive): Stop['before'] {
  return new Map([...live.agents.values()].map(({ id, control }) => [id, control?.signal_id]))
}

export type Tally = {
  total: number
  counts: ReadonlyMap<Progress, number>
  done: number
  /** Those that have had their time, or have refused. */
  stuck: AgentSummary[]
  /** Not done, and without a runtime. */
  isolated: number
  /** Those that have got another command since. */
  changed: number
  /** Who asked for it, and the first and last times of the server. */
  requested_by: Actor | undefined
  startedAt: number
  endedAt: number
}

/** How far the runtimes are, counting only commands of this kind that are newer than those before the stop. */
export function tally(
  { agents }: Pick<ProjectLive, 'agents'>,
  { way, before, reached }: Stop,
  now: number,
): Tally {
  const counts = new Map<Progress, number>()
  const stuck: AgentSummary[] = []
  let [changed, isolated, startedAt, endedAt] = [0, 0, Number.POSITIVE_INFINITY, 0]
  let requested_by: Tally['requested_by']
  for (const agent of agents.values()) {
    const { control, runtime } = agent
    if (control?.kind !== way || control.signal_id === before.get(agent.id)) {
      if (reached.has(agent.id)) changed++
      continue
    }
    reached.add(agent.id)
    const state = progress(control, agent, now)
    counts.set(state, (counts.get(state) ?? 0) + 1)
    if (state === 'overdue' || state === 'failed') stuck.push(agent)
    if (!runtime.connected && state !== 'done') isolated++
    requested_by ??= control.requested_by
    startedAt = Math.min(startedAt, Date.parse(control.requested_at))
    if (state === 'done')
      endedAt = Math.max(endedAt, Date.parse(control.acknowledged_at ?? control.requested_at))
  }
  return {
    total: reached.size,
    counts,
    done: counts.get('done') ?? 0,
    stuck,
    isolated,
    changed,
    requested_by,
    startedAt,
    endedAt,
  }
}

/** Nothing is left to wait for; agents without a runtime get the command when one connects. */
export function isOver({ total, done, isolated, changed }: Tally): boolean {
  return done + isolated + changed >= total
}
