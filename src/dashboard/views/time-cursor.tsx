import type { ComponentChildren } from 'preact'
import { readSpan, spans } from '../model/activity.ts'
import { now } from '../model/clock.ts'
import { formatFullTime, formatTime } from '../model/format.ts'
import { moment, showMoment } from '../model/past.ts'
import { query } from '../model/route.ts'
import { Icon } from '../parts/icons.tsx'

/** The moment that the page shows, in the range of the charts: a slider, which drags and takes arrow keys. */
export function TimeCursor() {
  const span = spans[readSpan(query.value)]
  const step = span.step * 1_000
  const end = Math.ceil(now.value / step) * step
  const begin = end - span.ms
  const at = moment.value
  const value = at === undefined ? end : Math.max(begin, Math.min(end, at))
  const choose = (next: number) => showMoment(next >= now.peek() ? undefined : Math.max(begin, next))
  return (
    <div class="time-cursor">
      <button
        type="button"
        class="quiet square"
        aria-label="Earlier"
        title="Earlier"
        disabled={value <= begin}
        onClick={() => choose(value - step)}
      >
        <Icon name="back" />
      </button>
      <input
        type="range"
        aria-label="Time"
        aria-valuetext={at === undefined ? 'Live' : formatFullTime(at)}
        min={begin}
        max={end}
        step={step}
        value={value}
        onInput={({ currentTarget }) => choose(Number(currentTarget.value))}
      />
      <button
        type="button"
        class="quiet square later"
        aria-label="Later"
        title="Later"
        disabled={at === undefined}
        onClick={() => choose(value + step)}
      >
        <Icon name="back" />
      </button>
    </div>
  )
}

type BannerProps = {
  at: number
  problem: string | undefined
  isReading: boolean
  children: ComponentChildren
}

/** Says that the page shows the past, and leads back. */
export function MomentBanner({ at, problem, isReading, children }: BannerProps) {
  return (
    <div class="moment" role="status">
      <b>Showing {formatTime(at)}</b>
      {problem !== undefined ? (
        <span class="moment-problem">Couldn't read this moment: {problem}</span>
      ) : (
        <span>{isReading ? 'Reading the log…' : 'From the event log. Commands need the live view.'}</span>
      )}
      {children}
      <button type="button" class="main" onClick={() => showMoment(undefined)}>
        Back to live
      </button>
    </div>
  )
}
