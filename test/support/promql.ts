import { parser } from '@prometheus-io/lezer-promql'

/** The labels that each metric is selected by, and those that are grouped or matched on. */
export type Uses = { selected: { metric: string; labels: string[] }[]; grouped: string[] }

/** What an expression asks for. Throws where it is no PromQL. */
export function readExpression(expression: string): Uses {
  const uses: Uses = { selected: [], grouped: [] }
  let selecting = false
  parser.parse(expression).iterate({
    enter({ name, type, from, to }) {
      const text = expression.slice(from, to)
      if (type.isError) throw new Error(`not PromQL at ${from}: ${expression}`)
      if (name === 'VectorSelector') selecting = true
      if (name === 'GroupingLabels') selecting = false
      if (name === 'Identifier') uses.selected.push({ metric: text, labels: [] })
      if (name === 'LabelName') (selecting ? (uses.selected.at(-1)?.labels ?? []) : uses.grouped).push(text)
    },
  })
  return uses
}
