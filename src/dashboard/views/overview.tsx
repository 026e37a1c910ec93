import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import type { ActivityReport, Project } from '#src/client/rest/rest.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { useAppState } from '../app-state-context.ts'
import {
  beginningOf,
  READ_EVERY_MS,
  readActivity,
  readSpan,
  spanNames,
  spans,
  toPoints,
} from '../model/activity.ts'
import { sayKinds } from '../model/attention.ts'
import { now } from '../model/clock.ts'
import type { FleetSource } from '../model/fleet-source.ts'
import { formatCount, formatMoney, formatShort, formatTime } from '../model/format.ts'
import { type Bucket, costAnHour } from '../model/history.ts'
import { links } from '../model/links.ts'
import { useLoaded } from '../model/loaded.ts'
import { atMoment, moment } from '../model/past.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { reconnects } from '../model/reconnects.ts'
import { query, replaceQuery } from '../model/route.ts'
import { fromUnits, inService } from '../model/totals.ts'
import { needsClass } from '../model/wall.ts'
import { Icon } from '../parts/icons.tsx'
import { Segments } from '../parts/segments.tsx'
import { StatusCounts } from '../parts/status-count.tsx'
import { BudgetWarnings } from './budget-warnings.tsx'
import { EventFeed } from './event-feed.tsx'
import { Charts } from './overview-charts.tsx'
import { Missing, usePast } from './past.tsx'
import { MomentBanner, TimeCursor } from './time-cursor.tsx'

/** A project in numbers, now or at a moment, and its charts. */
export function Overview({ project, live }: { project: Project; live: ProjectLive }) {
  const { api } = useAppState()
  const at = moment.value
  useEffect(() => void live.recall(api), [live, api])
  const own = useMemo(() => live.history.buckets(now.value), [live, now.value])
  const past = usePast(live, at)
  const room = useRoom(at === undefined)
  return (
    <section class="overview" aria-label={`${project.name} in numbers`}>
      <div {...room}>
        {at === undefined ? (
          <Numbers source={live} recent={own} />
        ) : (
          past.read && <Numbers source={past.past} />
        )}
      </div>
      <Activity project={project} live={live} own={own} at={at} />
      {at !== undefined && (
        <MomentBanner at={at} problem={past.problem} isReading={past.isReading}>
          <Missing read={past.read} />
          <a class="button" href={atMoment(links.fleet(project.id))}>
            Show the fleet then
          </a>
        </MomentBanner>
      )}
      {at === undefined && (
        <div class="columns">
          <BudgetWarnings live={live} />
          <EventFeed live={live} />
        </div>
      )}
    </section>
  )
}

/** Other numbers take the room of the live ones, so that the charts stay where they are. */
function useRoom(isLive: boolean) {
  const ref = useRef<HTMLDivElement>(null)
  const height = useRef(0)
  useLayoutEffect(() => {
    if (isLive) height.current = ref.current?.getBoundingClientRect().height ?? 0
  })
  return { ref, style: isLive ? {} : { minHeight: `${height.current}px` } }
}

type ActivityProps = { project: Project; live: ProjectLive; own: readonly Bucket[]; at: number | undefined }

/** The charts of the chosen range. */
function Activity({ project, live, own, at }: ActivityProps) {
  const { api } = useAppState()
  const span = readSpan(query.value)
  const key = `${live.project_id} ${span} ${reconnects.value}`
  const { value, problem, reload } = useLoaded(key, async () => ({
    span,
    report: await readActivity(api, live.project_id, span, Date.now()),
  }))
  useEffect(() => {
    const timer = setInterval(reload, READ_EVERY_MS)
    return () => clearInterval(timer)
  }, [reload])
  return (
    <section class="activity" aria-label="Activity">
      <header class="activity-head">
        <h2 class="hidden">Activity</h2>
        <Segments
          legend="Range of the charts"
          name="over"
          value={span}
          choices={spanNames.map((name) => [name, spans[name].short])}
          onChange={(over) => replaceQuery({ over })}
        />
        {value?.span === span && <Since report={value.report} project={project} />}
        {problem !== undefined && (
          <p class="form-problem" role="alert">
            Couldn't load the charts: {problem}
          </p>
        )}
      </header>
      {value && <Drawn report={value.report} span={value.span} own={own} at={at} />}
      <TimeCursor />
    </section>
  )
}

type DrawnProps = Pick<ActivityProps, 'own' | 'at'> & { report: ActivityReport; span: keyof typeof spans }

function Drawn({ report, span, own, at }: DrawnProps) {
  const points = useMemo(() => toPoints(report, own, now.peek(), span), [report, own, span])
  return <Charts points={points} span={span} at={at} />
}

/** What the charts cover, where it is less than the range. */
function Since({ report, project }: { report: ActivityReport; project: Project }) {
  const beginning = beginningOf(report, project.created_at)
  if (!beginning) return null
  const why = beginning.isCreation ? 'the project was created' : 'nothing older is recorded'
  return (
    <p class="faint">
      Since {formatTime(beginning.at)}: {why}.
    </p>
  )
}

function Numbers({ source, recent }: { source: FleetSource; recent?: readonly Bucket[] }) {
  void source.version.value
  const { totals } = source
  const numbers: [label: string, value: string][] = [
    ['Active', formatCount(inService(totals))],
    ['Connected', formatCount(totals.connected)],
    ['Tasks completed', formatShort(totals.tasks)],
    ['Tokens', formatShort(totals.tokens)],
    ['Cost', formatMoney(fromUnits(totals.costUnits))],
    ...(recent ? [['Cost/h (last 5 min)', formatMoney(costAnHour(recent))] as [string, string]] : []),
  ]
  return (
    <div class="numbers">
      {!source.isPast && <Needs source={source} />}
      {numbers.map(([label, value]) => (
        <p key={label} class="number">
          <span>{label}</span>
          <b>{value}</b>
        </p>
      ))}
      <StatusCounts class="number-statuses" totals={totals} statuses={agentStatuses} />
    </div>
  )
}

/** How many agents need attention, and why: leads to them. */
function Needs({ source }: { source: FleetSource }) {
  const concerns = source.concerns.value
  if (concerns.size === 0) return null
  return (
    <a class={`number number-needs ${needsClass(concerns)}`} href={links.needing(source.project_id)}>
      <span>
        <Icon name="needs" />
        Needs attention
      </span>
      <b>{formatCount(concerns.size)}</b>
      <small>{sayKinds(concerns)}</small>
    </a>
  )
}
