import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

export type Series = {
  label: string
  /** The name of a colour of the style sheet, without its dashes. */
  color: string
  /** Filled down to the next one below. */
  isFilled?: boolean
}

export type PlotOptions = {
  series: readonly Series[]
  format: (value: number) => string
  /** A curve that goes in steps: it holds until the next point. */
  isStepped?: boolean
}

/** Times in seconds, then the values of each series. */
export type PlotData = [times: number[], ...values: number[][]]

export type Plot = { update(data: PlotData): void; destroy(): void }

const HEIGHT = 150

/** Draws into an element as wide as it is, until it is destroyed. */
export function drawPlot(element: HTMLElement, options: PlotOptions, data: PlotData): Plot {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const font = `11px ${style.getPropertyValue('--sans')}`
  const axis = { stroke: color('ink-faint'), font, ticks: { show: false } }
  const grid = { stroke: color('line'), width: 1 }
  const paths = options.isStepped ? UPlot.paths.stepped?.({ align: 1 }) : undefined
  const plot = new UPlot(
    {
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      padding: [8, 28, 0, 0],
      scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [
        { ...axis, grid: { show: false }, size: 24, space: 70, values: (_, times) => times.map(toClock) },
        { ...axis, grid, size: 52, values: (_, values) => values.map(options.format) },
      ],
      series: [
        {},
        ...options.series.map(({ label, color: name, isFilled }) => ({
          label,
          stroke: color(name),
          width: 1.6,
          points: { show: false },
          ...(paths && { paths }),
          ...(isFilled && { fill: `color-mix(in srgb, ${color(name)} 45%, ${color('panel')})` }),
        })),
      ],
    },
    data,
    element,
  )
  const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
  observer.observe(element)
  return {
    update: (next) => plot.setData(next),
    destroy: () => {
      observer.disconnect()
      plot.destroy()
    },
  }
}

function toClock(seconds: number): string {
  const isWhole = seconds % 60 === 0
  return new Date(seconds * 1_000).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...(!isWhole && { second: '2-digit' }),
  })
}
