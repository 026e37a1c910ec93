import { useEffect, useRef, useState } from 'preact/hooks'
import { darkness } from '../model/settings.ts'
import type { Plot, PlotData, PlotOptions } from './plot.ts'

type Props = PlotOptions & {
  title: string
  /** What the chart says in words, with the newest value. */
  summary: string
  /** What stands beside the title. */
  value: string
  data: PlotData
}

/** A chart, whose library is loaded with the first one. */
export function Chart({ title, summary, value, data, ...options }: Props) {
  const element = useRef<HTMLDivElement>(null)
  const [plot, setPlot] = useState<Plot>()
  const latest = useRef(data)
  latest.current = data
  const look = darkness.value
  // Drawn anew only where the colours change: its options are the same as long as it is there.
  useEffect(() => {
    let isHere = true
    let made: Plot | undefined
    void import('./plot.ts').then(({ drawPlot }) => {
      if (!isHere || !element.current) return
      made = drawPlot(element.current, options, latest.current)
      setPlot(made)
    })
    return () => {
      isHere = false
      made?.destroy()
    }
  }, [look])
  useEffect(() => plot?.update(data), [plot, data])
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <b>{value}</b>
      </figcaption>
      <div ref={element} class="plot" role="img" aria-label={summary} />
      {options.series.length > 1 && (
        <ul class="legend" aria-hidden="true">
          {options.series.map(({ label, color }) => (
            <li key={label}>
              <i class={`swatch swatch-${color}`} />
              {label}
            </li>
          ))}
        </ul>
      )}
    </figure>
  )
}
