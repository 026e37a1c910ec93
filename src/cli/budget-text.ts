import type { Budget } from '#src/client/rest/rest.ts'
import { describeScope } from './hold-text.ts'
import { describeActor, drawBar, toFields } from './text.ts'

const WIDTH = 20

/** A bar of what is spent against the limit, and the share in percent. */
export function drawSpending({ spent, limit }: Pick<Budget, 'spent' | 'limit'>): string {
  const [used, most] = [Number(spent), Number(limit)]
  const share = most > 0 ? used / most : 1
  const filled = Math.min(WIDTH, Math.floor(share * WIDTH))
  return `${drawBar(filled, WIDTH)} ${Math.floor(share * 100)}%`
}

/** Such as `12.5000 of 50.0000 cost a day`. */
export function describeLimit({ spent, limit, metric, window }: Budget): string {
  return `${spent} of ${limit} ${metric}${window === 'none' ? '' : ` per ${window}`}`
}

export function toText(budget: Budget): string {
  const { resets_at, window, timezone, warn_at, hold_id } = budget
  return toFields({
    name: budget.name,
    spent: `${describeLimit(budget)}  ${drawSpending(budget)}`,
    state: budget.state,
    agents: describeScope(budget),
    'at the limit': budget.action === 'hold' ? `hold (${budget.mode})` : budget.action,
    ...(warn_at.length > 0 && { 'warns at': warn_at.map((share) => `${share * 100}%`).join(', ') }),
    ...(window !== 'none' && { window: `${window}, ${timezone}, since ${budget.starts_at}` }),
    ...(resets_at !== null && { resets: resets_at }),
    ...(hold_id !== null && { hold: hold_id }),
    created: `${budget.created_at} by ${describeActor(budget.created_by)}`,
    id: budget.id,
  })
}
