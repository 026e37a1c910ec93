import { useMemo } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { ShownTime } from '../model/clock.ts'
import { formatCount, plural } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useLoaded, useRested } from '../model/loaded.ts'
import { atMoment, PastFleet, type ReadMoment } from '../model/past.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { State } from '../parts/states.tsx'
import { FleetView } from './fleet.tsx'
import { MomentBanner, TimeCursor } from './time-cursor.tsx'

/** A moment is read once the cursor rests. */
const RESTED_MS = 300

/** The fleet of a moment, which is read as the moment changes; undefined: now, for which nothing is read. */
export function usePast(live: ProjectLive, at: number | undefined) {
  const { api } = useAppState()
  const past = useMemo(() => new PastFleet(live), [live])
  const rested = useRested(at, RESTED_MS)
  const { value, problem } = useLoaded(`${live.project_id} ${rested}`, async () =>
    rested === undefined ? undefined : past.read(api, rested),
  )
  const isReading = value?.at !== at
  return { past, read: value, problem: isReading ? problem : undefined, isReading }
}

/** What the log no longer says about the moment. */
export function Missing({ read }: { read: ReadMoment | undefined }) {
  if (!read) return null
  return (
    <>
      {read.inexact > 0 && (
        <span>
          Of {plural(read.inexact, 'agent')} the log has only the status then: the rest is from their next
          event.
        </span>
      )}
      {read.isCut && <span>Only the first {formatCount(60_000)} agents are shown.</span>}
    </>
  )
}

/** The fleet as it was, read-only. */
export function PastFleetView({ project, live, at }: { project: Project; live: ProjectLive; at: number }) {
  const { past, read, problem, isReading } = usePast(live, at)
  return (
    <>
      <MomentBanner at={at} problem={problem} isReading={isReading}>
        <Missing read={read} />
        <TimeCursor />
        <a class="button" href={atMoment(links.overview(project.id))}>
          Overview
        </a>
      </MomentBanner>
      {read ? (
        <ShownTime.Provider value={past.at}>
          <FleetView project={project} live={past} />
        </ShownTime.Provider>
      ) : (
        problem === undefined && <State kind="loading" title="Reading the log" />
      )}
    </>
  )
}
