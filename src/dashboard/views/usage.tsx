import { useComputed } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { formatCount, formatMoney, formatShort, formatTime, plural } from '../model/format.ts'
import { useLoaded, useSettled } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { query } from '../model/route.ts'
import { fromUnits } from '../model/totals.ts'
import {
  type MeasureName,
  measureNames,
  measureOf,
  measures,
  mergeGroups,
  rangeNames,
  ranges,
  readUsage,
  type UsageGroup,
  type UsageSums,
  type UsageView as View,
} from '../model/usage.ts'
import { nameGroup, sayGrouping } from '../model/usage-names.ts'
import { inZone, zone } from '../model/zone.ts'
import { Chart } from '../parts/chart.tsx'
import type { PlotData } from '../parts/plot.ts'
import { State } from '../parts/states.tsx'
import { UsageControls } from './usage-controls.tsx'
import { UsageTable } from './usage-table.tsx'

const READ_EVERY_MS = 60_000
/** Of the selector that is being typed. */
const SETTLED_MS = 400

/** What the agents of a project have used, by time and by group. All that is chosen is in the address. */
export function UsageView({ project, live }: { project: Project; live: ProjectLive }) {
  const { api } = useAppState()
  const asked = useComputed(() => readView(query.value)).value
  const key = useSettled(JSON.stringify(asked.view), SETTLED_MS)
  const view = useMemo(() => JSON.parse(key) as View, [key])
  const { value, problem, reload } = useLoaded(`${project.id} ${zone.value} ${key}`, async () => ({
    sums: await readUsage(api, project.id, view, Date.now()),
    view,
    at: Date.now(),
  }))
  useEffect(() => {
    const timer = setInterval(reload, READ_EVERY_MS)
    return () => clearInterval(timer)
  }, [reload])
  return (
    <section class="overview usage" aria-label={`Usage of ${project.name}`}>
      <UsageControls project={project} live={live} view={asked.view} measure={asked.measure} />
      {problem !== undefined && (
        <p class="form-problem" role="alert">
          {problem}
        </p>
      )}
      {!value && problem === undefined && <State kind="loading" title="Loading the usage" />}
      {value && (
        <Sums live={live} sums={value.sums} view={value.view} at={value.at} measure={asked.measure} />
      )}
    </section>
  )
}

function readView(filters: URLSearchParams): { view: View; measure: MeasureName } {
  const asked = (name: string) => filters.get(name) ?? undefined
  return {
    view: {
      over: rangeNames.find((name) => name === asked('over')) ?? '24h',
      by: asked('by') ?? 'model',
      selector: asked('q')?.trim() ?? '',
    },
    measure: measureNames.find((name) => name === asked('show')) ?? 'cost',
  }
}

type SumsProps = { live: ProjectLive; sums: UsageSums; view: View; at: number; measure: MeasureName }

function Sums({ live, sums, view, at, measure }: SumsProps) {
  const { spent } = sums.all
  const groups = useMemo(
    () =>
      sums.groups.toSorted((left, right) => measureOf(right.spent, measure) - measureOf(left.spent, measure)),
    [sums, measure],
  )
  const isEmpty = sums.groups.length === 0
  return (
    <>
      <div class="numbers">
        <Figure label="Cost" value={formatMoney(fromUnits(spent.costUnits))} />
        <Figure label="Tokens" value={formatShort(spent.tokens_used)} />
        <Figure label="Input" value={formatShort(spent.input_tokens)} />
        <Figure label="Output" value={formatShort(spent.output_tokens)} />
        <Figure label="Tasks completed" value={formatCount(spent.tasks_completed)} />
        <p class="faint usage-at">
          Last {ranges[view.over].label}, as of {formatTime(at)}
        </p>
      </div>
      {isEmpty ? (
        <State title={`No usage in the last ${ranges[view.over].label}`}>
          <p>Agents report usage over their connection; see “Report it” in the documentation of usage.</p>
        </State>
      ) : (
        <>
          <h2 class="hidden">{sayGrouping(view.by)}</h2>
          <UsageChart
            key={`${view.over} ${view.by} ${measure} ${groups.slice(0, MAX_SERIES).map(({ key }) => key)} ${groups.length}`}
            live={live}
            sums={sums}
            groups={groups}
            view={view}
            measure={measure}
          />
          <UsageTable live={live} all={sums.all} groups={groups} view={view} measure={measure} />
        </>
      )}
    </>
  )
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <p class="number">
      <span>{label}</span>
      <b>{value}</b>
    </p>
  )
}

/** As many as there are colours that people can tell apart; the rest is one more. */
const MAX_SERIES = 7

type ChartProps = Omit<SumsProps, 'at'> & { groups: readonly UsageGroup[] }

function UsageChart({ live, sums, groups, view, measure }: ChartProps) {
  const { label, format, isWhole } = measures[measure]
  const { bucket } = ranges[view.over]
  const series = useMemo(
    () => (sums.isCoarse ? [{ name: 'All', ...sums.all }] : toSeries(live, view, groups)),
    [live, sums, view, groups],
  )
  const data = useMemo(
    (): PlotData => [
      sums.buckets.map((at) => at / 1_000),
      ...series.map(({ byBucket }) => byBucket.map((spent) => measureOf(spent, measure))),
    ],
    [sums, series, measure],
  )
  const total = format(measureOf(sums.all.spent, measure))
  const words = series.map(({ name, spent }) => `${name} ${format(measureOf(spent, measure))}`).join(', ')
  return (
    <Chart
      title={`${label} by ${sums.isCoarse ? bucket : sayGrouping(view.by).toLowerCase()}`}
      value={total}
      summary={`${label} over the last ${ranges[view.over].label}, a bar for each ${bucket}. In all ${total}: ${words}.`}
      series={series.map(({ name }, index) => ({
        label: name,
        color: index < MAX_SERIES ? `series-${index + 1}` : 'series-rest',
      }))}
      totals={series.map(({ spent }) => format(measureOf(spent, measure)))}
      sayTime={bucket === 'day' ? sayDay : sayHour}
      format={format}
      data={data}
      shape="bars"
      isStacked
      isWhole={isWhole}
      spanSeconds={bucket === 'day' ? 86_400 : 3_600}
    />
  )
}

type Drawn = Pick<UsageGroup, 'spent' | 'byBucket'> & { name: string }

function toSeries(live: ProjectLive, { by }: View, groups: readonly UsageGroup[]): Drawn[] {
  const shown = groups
    .slice(0, MAX_SERIES)
    .map((group) => ({ ...group, name: nameGroup(live, by, group.key).name }))
  const rest = groups.slice(MAX_SERIES)
  if (rest.length === 0) return shown
  return [...shown, { ...mergeGroups(rest), name: plural(rest.length, 'other') }]
}

function sayHour(ms: number): string {
  return `${formatTime(ms).slice(0, -3)} to ${formatTime(ms + 3_600_000).slice(-8, -3)}`
}

function sayDay(ms: number): string {
  return new Date(ms).toLocaleDateString('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...inZone(),
  })
}
