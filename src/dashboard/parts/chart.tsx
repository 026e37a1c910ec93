import { useEffect, useRef, useState } from 'preact/hooks'
import { formatTime } from '../model/format.ts'
import { darkness } from '../model/settings.ts'
import { zone } from '../model/zone.ts'
import type { Plot, PlotData, PlotOptions } from './plot.ts'

type Props = PlotOptions & {
  title: string
  /** The chart in words, with the newest value. */
  summary: string
  /** Shown beside the title. */
  value: string
  /** What the legend says of each series while the cursor is elsewhere; else its newest value. */
  totals?: readonly string[]
  /** The time of a point in words. */
  sayTime?: (ms: number) => string
  data: PlotData
  /** Draws a line at a moment, in milliseconds since 1970. */
  marked?: number | undefined
  /** Hears the moment that is clicked or dragged to. */
  onPick?: (ms: number) => void
}

/** The newest point that is not after the time. */
function indexAt(times: PlotData[0], time: number): number {
  return Math.max(
    0,
    times.findLastIndex((at) => at <= time),
  )
}

/** A chart, which reads out the values at the cursor. The first one loads the library. */
export function Chart({
  title,
  summary,
  value,
  totals,
  sayTime = formatTime,
  data,
  marked,
  onPick,
  ...options
}: Props) {
  const element = useRef<HTMLDivElement>(null)
  const [plot, setPlot] = useState<Plot>()
  const [isMissing, setMissing] = useState(false)
  const [cursor, setCursor] = useState<number>()
  const latest = useRef(data)
  latest.current = data
  const look = `${darkness.value} ${zone.value}`
  // Only other colours or another time zone draw the chart again: its options never change.
  useEffect(() => {
    let isHere = true
    let made: Plot | undefined
    import('./plot.ts').then(
      ({ drawPlot }) => {
        if (!isHere || !element.current) return
        const picks = onPick && ((time: number) => onPick(time * 1_000))
        made = drawPlot(element.current, { ...options, onCursor: setCursor, onPick: picks }, latest.current)
        setPlot(made)
      },
      () => setMissing(true),
    )
    return () => {
      isHere = false
      made?.destroy()
    }
  }, [look])
  useEffect(() => plot?.update(data), [plot, data])
  useEffect(() => plot?.mark(marked === undefined ? undefined : marked / 1_000), [plot, marked])
  const [times, ...values] = data
  const newest = times.length - 1
  const shown = marked === undefined ? newest : indexAt(times, marked / 1_000)
  const at = Math.min(cursor ?? shown, newest)
  const time = times[at]
  const read = (index: number) => options.format(values[index]?.[at] ?? 0)
  const isLive = cursor === undefined && marked === undefined
  const isSingle = options.series.length === 1
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        {cursor === undefined || time === undefined ? (
          <b>{value}</b>
        ) : (
          <span class="readout">
            {sayTime(time * 1_000)} {isSingle && <b>{read(0)}</b>}
          </span>
        )}
      </figcaption>
      <div ref={element} class="plot" role="img" aria-label={summary}>
        {isMissing && <p class="faint none">Couldn't load the chart. Reload the page.</p>}
      </div>
      {!isSingle && (
        <ul class="legend" aria-hidden="true">
          {options.series.map(({ label, color }, index) => (
            <li key={label}>
              <i class={`swatch swatch-${color}`} />
              {label} <b>{isLive ? (totals?.[index] ?? read(index)) : read(index)}</b>
            </li>
          ))}
        </ul>
      )}
    </figure>
  )
}
