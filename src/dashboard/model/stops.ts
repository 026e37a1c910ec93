import { effect, type Signal, signal } from '@preact/signals'
import type { ActionName } from '#src/domain/actions.ts'
import type { Actor } from '#src/domain/actor.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { Control, ControlKind } from '#src/domain/control.ts'
import { now } from './clock.ts'
import { type Progress, progress } from './progress.ts'
import type { ProjectLive } from './project-live.ts'

export const stopWays = ['pause', 'terminate'] as const satisfies ActionName[]
export type StopWay = (typeof stopWays)[number]

/** An agent that a stop was sent to. Once it has stopped, later commands don't change that. */
export type StopMember = {
  id: string
  name: string
  requested_at: number
  /** How far the command of the stop has come, as far as is known. */
  state: Progress
  /** It had no runtime to obey. */
  isIsolated: boolean
  stopped_at?: number | undefined
  /** The command of another kind that it got before it had stopped. */
  later?: { kind: ControlKind; at: number; isDone: boolean; isOverdue: boolean } | undefined
}

/** A stop of a whole project, or by a hold, from the server's answer until its operator dismisses it. */
export type Stop = {
  way: StopWay
  /** The hold that stops the agents; undefined for an order. */
  hold_id?: string | undefined
  /** Its hold was seen among those that stand. */
  hasStood?: boolean
  /** The newest command of each agent before it; undefined after a reload. */
  before?: ReadonlyMap<string, string | undefined> | undefined
  /** Those that got the command, as far as is known: `follow` adds to them. */
  members: Map<string, StopMember>
  requested_by?: Actor | undefined
  /** Whether its dialog is open; else a bar shows how far it has come. */
  isOpen: boolean
}

/** Commands that were sent later than this after the first are not of the same stop. */
const MAX_SPREAD_MS = 120_000
/** Often enough to miss no state that a person could cause. */
const FOLLOW_EVERY_MS = 250

type Followed = Pick<ProjectLive, 'agents'>
const stops = new WeakMap<ProjectLive, Signal<Stop | undefined>>()

/** The stop of a project, also one from before a reload. It is followed wherever the user is. */
export function stopOf(live: ProjectLive): Signal<Stop | undefined> {
  const known = stops.get(live)
  if (known) return known
  const stop = signal(readStop(live.project_id))
  stops.set(live, stop)
  followSoon(live, stop)
  return stop
}

function followSoon(live: ProjectLive, state: Signal<Stop | undefined>): void {
  let isWaiting = false
  const look = () => {
    isWaiting = false
    if (live.state.peek().kind === 'closed') return
    const stop = state.peek()
    if (stop && live.isFilled) {
      follow(live, stop, Date.now())
      // The stop of a hold ends with the hold, which the event of its placing may follow.
      if (stop.hold_id !== undefined && live.holds.has(stop.hold_id)) stop.hasStood = true
      else if (stop.hasStood) state.value = undefined
    }
    keepStop(live.project_id, state.peek())
  }
  effect(() => {
    // It is closed when the user signs out: then the tab keeps no names.
    if (!state.value || live.state.value.kind === 'closed') return keepStop(live.project_id, undefined)
    // Time alone makes an agent overdue.
    void [live.version.value, now.value]
    if (isWaiting) return
    isWaiting = true
    setTimeout(look, FOLLOW_EVERY_MS)
  })
}

/** A larger stop does not survive a reload: it would fill the storage of the browser. */
const MAX_KEPT = 1_000

const keyOf = (project_id: string) => `signalbox.stop.${project_id}`

/** Keeps a stop over a reload of this tab; undefined forgets it. */
function keepStop(project_id: string, stop: Stop | undefined): void {
  try {
    const size = stop?.members.size ?? 0
    if (!stop || size === 0 || size > MAX_KEPT) return sessionStorage.removeItem(keyOf(project_id))
    const { way, hold_id, requested_by, members } = stop
    const kept: Kept = { way, hold_id, requested_by, members: [...members.values()] }
    sessionStorage.setItem(keyOf(project_id), JSON.stringify(kept))
  } catch {
    // Without storage, a stop is shown until the next reload.
  }
}

type Kept = Pick<Stop, 'way' | 'hold_id' | 'requested_by'> & { members: StopMember[] }

function readStop(project_id: string): Stop | undefined {
  try {
    const text = sessionStorage.getItem(keyOf(project_id))
    if (!text) return undefined
    const { members, ...kept } = JSON.parse(text) as Kept
    return { ...kept, members: new Map(members.map((member) => [member.id, member])), isOpen: false }
  } catch {
    return undefined
  }
}

/** The newest command of each agent now. */
export function newestCommands(live: Followed): NonNullable<Stop['before']> {
  return new Map([...live.agents.values()].map(({ id, control }) => [id, control?.signal_id]))
}

/** Notes how far the agents are. */
export function follow({ agents }: Followed, stop: Stop, time: number): void {
  let from = startOf(stop.members.values())
  for (const agent of agents.values()) {
    const { control } = agent
    const known = stop.members.get(agent.id)
    if (known?.stopped_at !== undefined || !control) continue
    if (known && control.kind !== stop.way) known.later = toLater(agent, control, time)
    else if (known || isNewMember(stop, { id: agent.id, control, from })) {
      stop.requested_by ??= control.requested_by
      const member = toMember(agent, control, known, time)
      stop.members.set(agent.id, member)
      from = Math.min(from, member.requested_at)
    }
  }
}

type Candidate = {
  id: string
  control: Control
  /** When the first of those that are known got the command. */
  from: number
}

function isNewMember(stop: Stop, { id, control, from }: Candidate): boolean {
  const { way, hold_id, before, requested_by } = stop
  if (control.kind !== way || (hold_id !== undefined && control.cause.id !== hold_id)) return false
  const at = Date.parse(control.requested_at)
  if (at > from + MAX_SPREAD_MS) return false
  if (before) return before.get(id) !== control.signal_id
  return at >= from && control.requested_by.id === requested_by?.id
}

function toMember(
  agent: AgentSummary,
  control: Control,
  known: StopMember | undefined,
  time: number,
): StopMember {
  const { id, name } = agent
  const isDone = control.state === 'done'
  const state = progress(agent, time) ?? 'sent'
  return {
    id,
    name,
    requested_at: known?.requested_at ?? Date.parse(control.requested_at),
    state,
    isIsolated: isIsolated(agent, state),
    stopped_at: isDone ? Date.parse(control.acknowledged_at ?? control.requested_at) : undefined,
  }
}

/** No runtime is there to obey. One over HTTP counts as there once it has received the command. */
function isIsolated({ runtime }: AgentSummary, state: Progress): boolean {
  if (runtime.connected) return false
  return state === 'sent' || (state === 'received' && runtime.since !== null)
}

function toLater(agent: AgentSummary, control: Control, time: number): StopMember['later'] {
  const { kind, requested_at, state, acknowledged_at } = control
  const isDone = state === 'done'
  const at = Date.parse((isDone && acknowledged_at) || requested_at)
  return { kind, at, isDone, isOverdue: progress(agent, time) === 'overdue' }
}

/** A fleet may be too large for `Math.min` to take all its times at once. */
function startOf(members: Iterable<StopMember>): number {
  let start = Number.POSITIVE_INFINITY
  for (const { requested_at } of members) start = Math.min(start, requested_at)
  return start
}

/** Those that have stopped, and have been resumed since. */
export function countResumed({ agents }: Followed, { members }: Stop): number {
  const isResumed = ({ id, stopped_at }: StopMember) =>
    stopped_at !== undefined && agents.get(id)?.control?.kind === 'resume'
  return [...members.values()].filter(isResumed).length
}

export type Tally = {
  total: number
  /** Without those that have got another command before they stopped. */
  counts: ReadonlyMap<Progress, number>
  done: number
  /** Those that have had their time, have refused, or have got another command before they stopped. */
  stuck: StopMember[]
  /** Not done, and without a runtime. */
  isolated: StopMember[]
  /** The first and last times of the server. */
  startedAt: number
  endedAt: number
}

/** How far the agents are, by what `follow` has noted. */
export function tally(stop: Stop): Tally {
  const members = [...stop.members.values()]
  const counts = new Map<Progress, number>()
  for (const { state, later } of members) if (!later) counts.set(state, (counts.get(state) ?? 0) + 1)
  const stopped = members.filter(({ stopped_at }) => stopped_at !== undefined)
  const isStuck = ({ state, later, isIsolated, stopped_at }: StopMember) => {
    if (stopped_at !== undefined || (isIsolated && !later?.isDone)) return false
    return later !== undefined || state === 'overdue' || state === 'failed'
  }
  return {
    total: members.length,
    counts,
    done: stopped.length,
    stuck: members.filter(isStuck),
    isolated: members.filter(
      (member) => member.isIsolated && member.stopped_at === undefined && !isStuck(member),
    ),
    startedAt: startOf(members),
    endedAt: stopped.reduce((end, { stopped_at = 0 }) => Math.max(end, stopped_at), 0),
  }
}

/** Each agent has stopped, has had its time, or has no runtime. */
export function isSettled({ total, done, isolated, stuck }: Tally): boolean {
  return done + isolated.length + stuck.length >= total
}

/** Nothing is left to wait for; agents without a runtime get the command when one connects. */
export function isOver({ total, done, isolated, stuck }: Tally): boolean {
  const settled = stuck.filter(({ later }) => later && (later.isDone || later.kind === 'resume'))
  return done + isolated.length + settled.length >= total
}
