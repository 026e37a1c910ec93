import { actionRow } from '#src/domain/actions.ts'
import type { ControlKind } from '#src/domain/control.ts'
import { formatCount, formatFullTime, formatTime, plural } from './format.ts'
import { actionOf } from './reach.ts'
import type { Stop, StopMember, Tally } from './stops.ts'

/** More names would not help an operator; the copied text has all. */
export const MAX_NAMES = 12

/** "Pause sent by you at 14:03:12 to 18 agents. 15 stopped within 4.0 s. 3 did not: Ada (failed), …" */
export function sayReceipt(
  stop: Pick<Stop, 'way' | 'hold_id'>,
  found: Tally,
  who: string,
  most = MAX_NAMES,
): string {
  const { total, done, stuck, isolated, startedAt, endedAt } = found
  const verb = stop.hold_id === undefined ? actionRow(stop.way).verb : 'Pause by a hold'
  const waiting = total - done - stuck.length - isolated.length
  const sentences = [
    `${verb} sent by ${who} at ${formatFullTime(startedAt)} to ${plural(total, 'agent')}.`,
    done > 0 && `${formatCount(done)} stopped within ${seconds(endedAt - startedAt)}.`,
    waiting > 0 && `${formatCount(waiting)} not yet.`,
    stuck.length > 0 && `${formatCount(stuck.length)} did not: ${listNames(stuck, most, describe)}.`,
    isolated.length > 0 &&
      `${formatCount(isolated.length)} without a runtime: ${listNames(isolated, most, sayName)}.`,
  ]
  return sentences.filter(Boolean).join(' ')
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
export const sayName = ({ name }: StopMember) => name
const describe = (member: StopMember) => `${member.name} (${sayMember(member)})`

/** "Ada, Bob and 3 more" */
export function listNames(
  members: readonly StopMember[],
  most: number,
  say: (member: StopMember) => string,
): string {
  const rest = members.length - most
  return members.slice(0, most).map(say).join(', ') + (rest > 0 ? ` and ${formatCount(rest)} more` : '')
}

/** "failed, then terminated at 14:09:10" */
export function sayMember({ state, later }: StopMember): string {
  if (!later) return state
  const isSettled = later.isDone || later.kind === 'resume'
  const what = isSettled
    ? pastOf(later.kind)
    : `${later.kind} ${later.isOverdue ? 'not obeyed, sent' : 'sent'}`
  const before = state === 'overdue' || state === 'failed' ? `${state}, then ` : ''
  return `${before}${what} at ${formatTime(later.at)}`
}

function pastOf(kind: ControlKind): string {
  const action = actionOf(kind)
  return action ? actionRow(action).past : kind
}
