import { useEffect, useMemo } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { useAppState } from '../app-state-context.ts'
import { now } from '../model/clock.ts'
import { formatCount, formatExactMoney, formatMoney, formatShort } from '../model/format.ts'
import { BUCKET_MS, type Bucket } from '../model/history.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { fromUnits, inService } from '../model/totals.ts'
import { Chart } from '../parts/chart.tsx'
import { Lamp } from '../parts/marks.tsx'
import type { PlotData } from '../parts/plot.ts'
import { StatusCount } from '../parts/status-count.tsx'
import { BudgetWarnings } from './budget-warnings.tsx'
import { EventFeed } from './event-feed.tsx'

/** A project in numbers: its current state and its last hour. */
export function Overview({ project, live }: { project: Project; live: ProjectLive }) {
  const { api } = useAppState()
  useEffect(() => void live.recall(api), [live, api])
  // Once a second: a reader cannot follow a number that changes faster.
  const buckets = useMemo(() => live.history.buckets(now.value), [live, now.value])
  return (
    <section class="overview" aria-label={`${project.name} in numbers`}>
      <Numbers live={live} buckets={buckets} />
      <div class="charts">
        <StatusChart buckets={buckets} />
        <CostChart buckets={buckets} />
        <EventsChart buckets={buckets} />
      </div>
      <div class="columns">
        <BudgetWarnings live={live} />
        <EventFeed live={live} />
      </div>
    </section>
  )
}

function Numbers({ live, buckets }: { live: ProjectLive; buckets: readonly Bucket[] }) {
  void live.version.value
  const { totals } = live
  const numbers: [label: string, value: string][] = [
    ['Active', formatCount(inService(totals))],
    ['Connected', formatCount(totals.connected)],
    ['Tasks completed', formatShort(totals.tasks)],
    ['Tokens', formatShort(totals.tokens)],
    ['Cost', formatMoney(fromUnits(totals.costUnits))],
    ['Cost/h (5 min)', formatMoney(costAnHour(buckets))],
  ]
  return (
    <div class="numbers">
      {numbers.map(([label, value]) => (
        <p key={label} class="number">
          <span>{label}</span>
          <b>{value}</b>
        </p>
      ))}
      <dl class="number-statuses">
        {agentStatuses.map((status) => (
          <div key={status}>
            <dt>
              <Lamp status={status} />
              {status}
            </dt>
            <dd>
              <StatusCount totals={totals} status={status} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

const RATE_OVER = 30

/** At the rate of the last five minutes. */
function costAnHour(buckets: readonly Bucket[]): number {
  const last = buckets.slice(-RATE_OVER)
  const units = last.reduce((sum, { costUnits }) => sum + costUnits, 0)
  const hours = (Math.max(1, last.length) * BUCKET_MS) / 3_600_000
  return fromUnits(units) / hours
}

const BUCKET_SECONDS = BUCKET_MS / 1_000
const times = (buckets: readonly Bucket[]) => buckets.map(({ at }) => at / 1_000)

/** From the bottom up. */
const stacked = ['working', 'waiting', 'paused', 'idle'] as const
const statusSeries = stacked.map((status) => ({ label: status, color: status }))

function StatusChart({ buckets }: { buckets: readonly Bucket[] }) {
  const data = useMemo((): PlotData => {
    return [times(buckets), ...stacked.map((status) => buckets.map(({ by_status }) => by_status[status]))]
  }, [buckets])
  const last = buckets.at(-1)?.by_status
  const words = last ? stacked.map((status) => `${last[status]} ${status}`).join(', ') : 'nothing yet'
  return (
    <Chart
      title="Agents by status"
      value=""
      summary={`Agents by status over the last hour. Now: ${words}.`}
      series={statusSeries}
      format={formatShort}
      data={data}
      shape="step"
      isStacked
      isWhole
      spanSeconds={BUCKET_SECONDS}
      cursor="overview"
    />
  )
}

const costSeries = [{ label: 'cost', color: 'brass' }]
const PER_MINUTE = 60_000 / BUCKET_MS

/** What the agents spent in the minute up to each point. */
function CostChart({ buckets }: { buckets: readonly Bucket[] }) {
  const data = useMemo(
    (): PlotData => [times(buckets), sliding(buckets, ({ costUnits }) => fromUnits(costUnits))],
    [buckets],
  )
  const value = `${formatMoney(data[1]?.at(-1) ?? 0)}/min`
  return (
    <Chart
      title="Cost"
      value={value}
      summary={`Cost over the last hour. Now: ${value}.`}
      series={costSeries}
      format={formatExactMoney}
      data={data}
      shape="line"
      cursor="overview"
    />
  )
}

const eventSeries = [{ label: 'events', color: 'accent' }]

function EventsChart({ buckets }: { buckets: readonly Bucket[] }) {
  // The newest bucket is still growing.
  const data = useMemo((): PlotData => {
    const over = buckets.slice(0, -1)
    return [times(over), over.map(({ events }) => events / BUCKET_SECONDS)]
  }, [buckets])
  const rate = (data[1]?.at(-1) ?? 0).toLocaleString('en', { maximumFractionDigits: 1 })
  return (
    <Chart
      title="Events"
      value={`${rate}/s`}
      summary={`Events over the last hour. Now: ${rate} a second.`}
      series={eventSeries}
      format={formatShort}
      data={data}
      shape="line"
      cursor="overview"
    />
  )
}

function sliding(buckets: readonly Bucket[], value: (bucket: Bucket) => number): number[] {
  let sum = 0
  return buckets.map((bucket, index) => {
    const left = buckets[index - PER_MINUTE]
    sum += value(bucket) - (left ? value(left) : 0)
    return Math.max(0, sum)
  })
}
