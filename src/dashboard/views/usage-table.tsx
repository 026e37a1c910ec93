import { formatCount, formatMoney } from '../model/format.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { fromUnits } from '../model/totals.ts'
import { type MeasureName, measureOf, type Spent, type UsageGroup, type UsageView } from '../model/usage.ts'
import { nameGroup, sayGrouping } from '../model/usage-names.ts'

/** More rows are in the export. */
const SHOWN = 100

const columns = [
  ['Cost', ({ costUnits }) => formatMoney(fromUnits(costUnits))],
  ['Tokens', ({ tokens_used }) => formatCount(tokens_used)],
  ['Input', ({ input_tokens }) => formatCount(input_tokens)],
  ['Output', ({ output_tokens }) => formatCount(output_tokens)],
  ['Cache read', ({ cache_read_input_tokens }) => formatCount(cache_read_input_tokens)],
  ['Cache written', ({ cache_creation_input_tokens }) => formatCount(cache_creation_input_tokens)],
  ['Reasoning', ({ reasoning_output_tokens }) => formatCount(reasoning_output_tokens)],
  ['Tasks', ({ tasks_completed }) => formatCount(tasks_completed)],
] as const satisfies [label: string, say: (spent: Spent) => string][]

type Props = {
  live: ProjectLive
  all: UsageGroup
  /** The largest first. */
  groups: readonly UsageGroup[]
  view: UsageView
  measure: MeasureName
}

export function UsageTable({ live, all, groups, view, measure }: Props) {
  const total = measureOf(all.spent, measure)
  return (
    <div class="panel scroll-x" role="region" aria-label="Usage by group" tabIndex={0}>
      <table class="table table-numbers table-cards">
        <thead>
          <tr>
            <th scope="col">{sayGrouping(view.by)}</th>
            <th scope="col">Share</th>
            {columns.map(([label]) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {groups.slice(0, SHOWN).map((group, index) => (
            <Row
              key={group.key}
              {...nameGroup(live, view.by, group.key)}
              spent={group.spent}
              share={total > 0 ? measureOf(group.spent, measure) / total : 0}
              color={index < 7 ? `series-${index + 1}` : 'series-rest'}
            />
          ))}
          {groups.length > SHOWN && (
            <tr>
              <td colSpan={columns.length + 2} class="faint">
                and {formatCount(groups.length - SHOWN)} more, which the export has
              </td>
            </tr>
          )}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Total</th>
            <td />
            {columns.map(([label, say]) => (
              <td key={label} data-label={label}>
                {say(all.spent)}
              </td>
            ))}
          </tr>
        </tfoot>
      </table>
    </div>
  )
}

type RowProps = { name: string; link: string | undefined; spent: Spent; share: number; color: string }

function Row({ name, link, spent, share, color }: RowProps) {
  return (
    <tr>
      <th scope="row">
        <i class={`swatch swatch-${color}`} aria-hidden="true" />
        {link === undefined ? name : <a href={link}>{name}</a>}
      </th>
      <td data-label="Share">{Math.round(share * 100)}%</td>
      {columns.map(([label, say]) => (
        <td key={label} data-label={label}>
          {say(spent)}
        </td>
      ))}
    </tr>
  )
}
