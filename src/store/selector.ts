import type { Selector, SelectorTerm } from '#src/domain/selector.ts'
import type { Statement } from './database.ts'

/**
 * For `where`: `labels` match the selector in the parameters `first` and `first` + 1. The second condition repeats what the
 * first one implies where a value is asked for, in the words of the index `agents_by_label`, which leaves out agents
 * without labels.
 */
export function selectorMatches(first: number, labels = 'labels'): string {
  return `($${first}::jsonpath is null or ${labels} @@ $${first}::jsonpath)
    and (not $${first + 1}::boolean or ${labels} <> '{}')`
}

/** The parameters of `selectorMatches`. */
export function toSelectorValues(selector: Selector = []): [path: string | null, asks_for_value: boolean] {
  return [toJsonPath(selector), selector.some(({ is }) => is === 'in')]
}

/** One predicate for all terms; null for none. Keys and values have no character that JSON would escape. */
export function toJsonPath(selector: Selector): string | null {
  return selector.length === 0 ? null : selector.map(toPredicate).join(' && ')
}

/** A missing key makes each comparison false. */
function toPredicate({ key, is, values }: SelectorTerm): string {
  const label = `$.${JSON.stringify(key)}`
  if (is === 'present' || is === 'absent') return `${is === 'absent' ? '!' : ''}exists(${label})`
  const one = values.map((value) => `${label} == ${JSON.stringify(value)}`).join(' || ')
  return `${is === 'not_in' ? '!' : ''}(${one})`
}

/**
 * How many agents match depends on the selector or parent, so a statement with one is planned each time, with its values. A
 * plan that is kept would fit all of them, and leave the indexes unused.
 */
export function planned(
  statement: Statement,
  { selector = [], parent_id }: { selector?: Selector | undefined; parent_id?: string | undefined },
): Statement {
  const isSelective = selector.length > 0 || parent_id !== undefined
  return isSelective ? { ...statement, isPlannedEachTime: true } : statement
}
