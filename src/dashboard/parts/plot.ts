import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { inZone, zone } from '../model/zone.ts'
import { hatched } from './hatch.ts'

export type Series = {
  label: string
  /** The name of a colour of the style sheet, without dashes. */
  color: string
}

export type PlotOptions = {
  /** From the bottom up, if they are stacked. */
  series: readonly Series[]
  format: (value: number) => string
  /** `step`: each value holds until the next point. */
  shape: 'line' | 'step' | 'bars'
  isStacked?: boolean
  /** Whether values have no fractions. */
  isWhole?: boolean
  /** For how long the value of a point holds, in seconds: the last one is drawn to its end. */
  spanSeconds?: number
  /** Whether the axis of time has days, with times of day only in the readout. */
  hasDays?: boolean
  /** Charts with the same name share the cursor. */
  cursor?: string
}

/** Times in seconds, then the values of each series. */
export type PlotData = [times: number[], ...values: number[][]]

export type Plot = {
  update(data: PlotData): void
  /** Draws a line at a time, in seconds. */
  mark(time: number | undefined): void
  destroy(): void
}

const HEIGHT = 150
/** The most lines across. */
const MAX_STEPS = 4
const DAY_SECONDS = 86_400

type Hears = {
  /** Hears which point the cursor is at; undefined without a cursor. */
  onCursor: (index: number | undefined) => void
  /** Hears the time, in seconds, that is clicked or dragged to. */
  onPick?: ((time: number) => void) | undefined
}

/** Draws into an element as wide as it is, until it is destroyed. */
export function drawPlot(element: HTMLElement, options: PlotOptions & Hears, data: PlotData): Plot {
  const { format, isStacked = false, isWhole = false, shape, spanSeconds = 0, cursor, onPick } = options
  const hasDays = options.hasDays ?? spanSeconds >= DAY_SECONDS
  const style = getComputedStyle(document.documentElement)
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
  const font = `11px ${style.getPropertyValue('--sans')}`
  const axis = { stroke: color('ink-faint'), font, ticks: { show: false } }
  const grid = { stroke: color('line'), width: 1 }
  const paths = pathsOf(shape)
  const drawn = (next: PlotData) => toEnd(isStacked ? stack(next) : next, shape === 'step' ? spanSeconds : 0)
  const filled = (name: string) =>
    shape === 'bars' ? color(name) : `color-mix(in srgb, ${color(name)} 45%, ${color('panel')})`
  const series = isStacked ? options.series.toReversed() : options.series
  let marked: number | undefined
  const plot = new UPlot(
    {
      ...(zone.peek() === 'utc' && {
        tzDate: (seconds: number) => UPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC'),
      }),
      width: element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: shape !== 'bars', size: 6 },
        drag: { x: false, y: false },
        ...(cursor !== undefined && { sync: { key: cursor } }),
      },
      padding: [8, marginRight, 0, 0],
      scales: {
        x: { range: (_, from, to) => rangeOfTime(from, to, shape === 'bars' ? spanSeconds / 2 : 0) },
        y: { range: (_, __, max) => [0, stepsTo(max, isWhole).top] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 24,
          space: 70,
          values: (_, times) => times.map(hasDays ? toDay : toClock),
          ...(hasDays && { incrs: [1, 2, 4, 7, 14].map((days) => days * DAY_SECONDS) }),
        },
        {
          ...axis,
          grid,
          size: 52,
          splits: (_, __, ___, max) => stepsTo(max, isWhole).splits,
          values: (_, values) => values.map(format),
        },
      ],
      series: [
        {},
        ...series.map(({ label, color: name }) => ({
          label,
          stroke: color(name),
          width: shape === 'bars' ? 0 : 1.6,
          points: { show: false },
          ...(paths && { paths }),
          fill: hatched(name, color(name), color('panel')) ?? filled(name),
        })),
      ],
      hooks: {
        setCursor: [({ cursor: { idx } }) => options.onCursor(idx ?? undefined)],
        draw: [(drawn) => drawMark(drawn, marked, color('ink'))],
      },
    },
    drawn(data),
    element,
  )
  const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
  observer.observe(element)
  if (onPick) listenToPicks(plot, onPick)
  return {
    update: (next) => plot.setData(drawn(next)),
    mark: (time) => {
      marked = time
      plot.redraw(false)
    },
    destroy: () => {
      observer.disconnect()
      plot.destroy()
    },
  }
}

function drawMark({ ctx, bbox, scales, valToPos }: UPlot, time: number | undefined, color: string): void {
  const { min, max } = scales.x ?? {}
  if (time === undefined || min == null || max == null || time < min || time > max) return
  const x = Math.round(valToPos(time, 'x', true))
  ctx.save()
  ctx.fillStyle = color
  ctx.fillRect(x - 1, bbox.top, 2, bbox.height)
  ctx.restore()
}

/** A press picks the time below it, and a drag each time that it gets to. */
function listenToPicks(plot: UPlot, onPick: (time: number) => void): void {
  const { over } = plot
  const pick = ({ clientX }: PointerEvent) => {
    const { left, width } = over.getBoundingClientRect()
    onPick(plot.posToVal(Math.max(0, Math.min(width, clientX - left)), 'x'))
  }
  over.classList.add('plot-picks')
  over.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return
    over.setPointerCapture(event.pointerId)
    pick(event)
  })
  over.addEventListener('pointermove', (event) => {
    if (over.hasPointerCapture(event.pointerId)) pick(event)
  })
}

/** Half of the last label: with seconds it is longer. */
function marginRight({ scales }: UPlot): number {
  const { min = 0, max = 0 } = scales.x ?? {}
  return (max ?? 0) - (min ?? 0) < 600 ? 26 : 16
}

function pathsOf(shape: PlotOptions['shape']) {
  if (shape === 'bars') return UPlot.paths.bars?.({ size: [0.78, 90] })
  return shape === 'step' ? UPlot.paths.stepped?.({ align: 1 }) : undefined
}

/** The sums up to each series, the highest first: each is drawn over the one before it. */
function stack([times, ...values]: PlotData): PlotData {
  const sums: number[][] = []
  for (const row of values) sums.push(row.map((value, index) => value + (sums.at(-1)?.[index] ?? 0)))
  return [times, ...sums.toReversed()]
}

/** The last value holds for a span, too. */
function toEnd(data: PlotData, span: number): PlotData {
  const last = data[0].at(-1)
  if (span === 0 || last === undefined) return data
  const [times, ...values] = data
  return [[...times, last + span], ...values.map((row) => [...row, row.at(-1) ?? 0])]
}

function rangeOfTime(from: number, to: number, margin: number): [number, number] {
  return from === to && margin === 0 ? [from - 60, to] : [from - margin, to + margin]
}

/** Round numbers from 0 to one that is not below `max`. */
function stepsTo(max: number, isWhole: boolean): { top: number; splits: number[] } {
  const rough = (max > 0 ? max : 1) / MAX_STEPS
  const power = 10 ** Math.floor(Math.log10(rough))
  const fitting = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * 0.999)
  const step = Math.max(fitting ?? rough, isWhole ? 1 : 0)
  const count = Math.max(1, Math.ceil((max / step) * 0.999))
  return { top: step * count, splits: Array.from({ length: count + 1 }, (_, index) => step * index) }
}

function toClock(seconds: number): string {
  const isWhole = seconds % 60 === 0
  return new Date(seconds * 1_000).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    ...inZone(),
    ...(!isWhole && { second: '2-digit' }),
  })
}

function toDay(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    ...inZone(),
  })
}
