import { FIRST_EPOCH } from '#src/domain/events.ts'

/** A frame's epoch stands behind its seq, which comes before anything that somebody else has written. */
const place = /"seq":\d+(?:,"epoch":(\d+))?/

/** The epoch of an event's frame; servers that knew of none have written those of the first without it. */
export function epochOf(frame: string): number {
  return Number(place.exec(frame)?.[1] ?? FIRST_EPOCH)
}

/** The frame as it is in an epoch: the log's text where that is the one in which it was written. */
export function withEpoch(frame: string, epoch: number): string {
  const found = place.exec(frame)
  if (!found || found[1] === String(epoch)) return frame
  const [text] = found
  const seq = text.split(',', 1)[0]
  return `${frame.slice(0, found.index)}${seq},"epoch":${epoch}${frame.slice(found.index + text.length)}`
}
