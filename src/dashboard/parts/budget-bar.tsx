import type { Budget } from '#src/client/rest/rest.ts'
import { sayAmount, sayShare, stateWords, usedOf } from '../model/budget-words.ts'

type Props = { budget: Pick<Budget, 'name' | 'metric' | 'limit' | 'spent' | 'state' | 'warn_at'> }

/** What is spent against the limit, with a mark where it warns. */
export function BudgetBar({ budget }: Props) {
  const { metric, limit, spent, state, warn_at, name } = budget
  const used = usedOf(budget)
  const words = `${sayAmount(metric, spent)} of ${sayAmount(metric, limit)}`
  return (
    <div class={`spent spent-${state}`}>
      <p class="spent-words">
        <span>
          <b>{sayAmount(metric, spent)}</b> of {sayAmount(metric, limit)}
        </span>
        <span>
          <b>{sayShare(used)}</b> · {stateWords[state]}
        </span>
      </p>
      <div
        class="spent-bar"
        role="meter"
        aria-label={`Spent of ${name}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.floor(used * 100))}
        aria-valuetext={words}
      >
        <i style={{ transform: `scaleX(${Math.min(1, used)})` }} />
        {warn_at.map((fraction) => (
          <span
            key={fraction}
            class="spent-mark"
            title={`Warns at ${sayShare(fraction)}`}
            style={{ left: `${fraction * 100}%` }}
          />
        ))}
      </div>
    </div>
  )
}
