import { type AgentEvent, FIRST_EPOCH, type ProjectEvent } from '#src/domain/events.ts'
import type { Time } from '#src/domain/time.ts'

/** What an event's text says before anything that a person or a runtime wrote. A newer release may know other names. */
export type EventHead = { epoch: number; name: string; at: Time }

/** The text of an event, as the log keeps it and as every reader gets it. */
export function writeFrame({
  project_id,
  seq,
  epoch,
  name,
  at,
  actor,
  agent,
  from,
  to,
  signal,
  request,
}: Omit<AgentEvent, 'type'>): string {
  // `head` relies on the order of the fields up to `at`.
  return JSON.stringify({
    type: 'event',
    project_id,
    seq,
    epoch,
    name,
    at,
    actor,
    agent,
    ...(from && { from, to }),
    ...(signal && { signal }),
    ...(request && { request }),
  })
}

/** The text of an event of a project itself. */
export function writeProjectFrame({
  project_id,
  seq,
  epoch,
  name,
  at,
  actor,
  ...detail
}: Omit<ProjectEvent, 'type' | 'agent'>): string {
  return JSON.stringify({ type: 'event', project_id, seq, epoch, name, at, actor, agent: null, ...detail })
}

/** Servers that knew of no epochs wrote the events of the first without one. */
const head =
  /^(\{"type":"event","project_id":"[^"]+","seq":\d+)(?:,"epoch":(\d+))?(,"name":"([^"]+)","at":"([^"]+)")/

/** Reads a frame. With `epoch`, the frame is rewritten to that one, which is the epoch of its project by now. */
export function readFrame(text: string, epoch?: number): EventHead & { frame: string } {
  const found = head.exec(text)
  if (!found) return readOther(text, epoch)
  const [begin, before = '', written, after = '', name = '', at = ''] = found
  const wanted = epoch ?? Number(written ?? FIRST_EPOCH)
  const isWritten = written === String(wanted)
  const frame = isWritten ? text : `${before},"epoch":${wanted}${after}${text.slice(begin.length)}`
  return { epoch: wanted, name, at, frame }
}

/** A frame that something else has rewritten, such as an operator's repair of the log. */
function readOther(text: string, epoch: number | undefined): EventHead & { frame: string } {
  const event: AgentEvent | ProjectEvent = JSON.parse(text)
  const wanted = epoch ?? event.epoch ?? FIRST_EPOCH
  const { name, at } = event
  const frame = event.epoch === wanted ? text : JSON.stringify({ ...event, epoch: wanted })
  return { epoch: wanted, name, at, frame }
}
