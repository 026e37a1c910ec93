import { useMemo } from 'preact/hooks'
import { type Points, perMinute, type SpanName, spans } from '../model/activity.ts'
import { formatCount, formatExactMoney, formatMoney, formatShort, formatTime } from '../model/format.ts'
import { showMoment } from '../model/past.ts'
import { fromUnits } from '../model/totals.ts'
import { Chart } from '../parts/chart.tsx'
import type { PlotData } from '../parts/plot.ts'

type Props = { points: Points; span: SpanName; at: number | undefined }

/** From the bottom up. */
const stacked = ['working', 'waiting', 'paused', 'idle'] as const
const statusSeries = stacked.map((status) => ({ label: status, color: status }))
const costSeries = [{ label: 'cost', color: 'brass' }]
const eventSeries = [{ label: 'events', color: 'accent' }]

/** Agents, cost and events over time. They share a cursor, and a click or a drag shows that moment. */
export function Charts({ points, span, at }: Props) {
  return (
    <div class="charts">
      <StatusChart key={`status ${span}`} points={points} span={span} at={at} />
      <CostChart key={`cost ${span}`} points={points} span={span} at={at} />
      <EventsChart key={`events ${span}`} points={points} span={span} at={at} />
    </div>
  )
}

function common({ points, span, at }: Props) {
  return {
    spanSeconds: points.seconds,
    hasDays: spans[span].ms > 2 * 86_400_000,
    cursor: 'overview',
    marked: at,
    onPick: showMoment,
    sayTime: (ms: number) => sayPoint(ms, spans[span].step),
  }
}

/** A point of ten seconds is a time; a longer one says from when to when it is. */
function sayPoint(ms: number, seconds: number): string {
  if (seconds < 60) return formatTime(ms)
  return `${formatTime(ms).slice(0, -3)} to ${formatTime(ms + seconds * 1_000).slice(-8, -3)}`
}

const timesOf = ({ buckets }: Points) => buckets.map(({ at }) => at / 1_000)

function StatusChart(props: Props) {
  const { points, span } = props
  const data = useMemo((): PlotData => {
    return [
      timesOf(points),
      ...stacked.map((status) => points.buckets.map(({ by_status }) => by_status[status])),
    ]
  }, [points])
  // The log's counts have statuses only: an agent counts as paused from the command on, also before it has stopped.
  const last = points.buckets.at(-1)?.by_status
  const words = last ? stacked.map((status) => `${last[status]} ${status}`).join(', ') : 'nothing yet'
  return (
    <Chart
      title="Agents by status, as commanded"
      value=""
      summary={`Agents by status, as commanded, over the last ${spans[span].label}. Now: ${words}.`}
      series={statusSeries}
      format={formatShort}
      data={data}
      shape="step"
      isStacked
      isWhole
      {...common(props)}
    />
  )
}

/** What the agents spent in the minute up to each point. */
function CostChart(props: Props) {
  const { points, span } = props
  const data = useMemo((): PlotData => {
    // The newest point is still growing; that of a minute's sum is not.
    const whole = points.seconds < 60 ? points : { ...points, buckets: points.buckets.slice(0, -1) }
    return [timesOf(whole), perMinute(whole).map((units) => fromUnits(units))]
  }, [points])
  const sum = fromUnits(points.buckets.reduce((total, { costUnits }) => total + costUnits, 0))
  return (
    <Chart
      title="Cost per minute"
      value={`${formatMoney(sum)} total`}
      summary={`Cost per minute over the last ${spans[span].label}. Total: ${formatMoney(sum)}.`}
      series={costSeries}
      format={formatExactMoney}
      data={data}
      shape="line"
      {...common(props)}
    />
  )
}

function EventsChart(props: Props) {
  const { points, span } = props
  // The newest point is still growing.
  const data = useMemo((): PlotData => {
    const over = { ...points, buckets: points.buckets.slice(0, -1) }
    return [timesOf(over), over.buckets.map(({ events }) => events / points.seconds)]
  }, [points])
  const sum = points.buckets.reduce((total, { events }) => total + events, 0)
  return (
    <Chart
      title="Events per second"
      value={`${formatCount(sum)} total`}
      summary={`Events per second over the last ${spans[span].label}. Total: ${formatCount(sum)}.`}
      series={eventSeries}
      format={sayRate}
      data={data}
      shape="line"
      {...common(props)}
    />
  )
}

const sayRate = (rate: number) => rate.toLocaleString('en', { maximumFractionDigits: rate < 1 ? 2 : 1 })
