import * as v from 'valibot'
import { SignalboxError } from '#src/domain/errors.ts'
import { parseSelector } from '#src/domain/selector.ts'

const meaning =
  'Agents by their labels, in the syntax of Kubernetes: `team=support,env!=prod,tier in (gold,silver),zone notin (a,b),gpu,!legacy`. ' +
  'Up to 1,000 characters and 20 terms; an empty one counts as none'

/** A selector's text; null for an empty one. */
export const selector = v.pipe(
  v.string(),
  v.description(meaning),
  v.rawTransform<string, string | null>(({ dataset, addIssue, NEVER }) => {
    try {
      return parseSelector(dataset.value).length === 0 ? null : dataset.value
    } catch (error) {
      if (!(error instanceof SignalboxError)) throw error
      addIssue({ message: error.message })
      return NEVER
    }
  }),
)

/** In a query, where an empty one is the same as none. */
export const selectorQuery = v.pipe(
  selector,
  v.transform((text) => text ?? undefined),
)
