import type { Bus } from '#src/bus/bus.ts'
import { actorKinds } from '#src/domain/actor.ts'
import { eventNames, issuingEvents } from '#src/domain/events.ts'
import { agentStatuses, canTransition } from '#src/domain/lifecycle.ts'
import { type RequestSummary, requestCauses } from '#src/domain/request.ts'
import { signalKinds } from '#src/domain/signal.ts'
import type { Time } from '#src/domain/time.ts'
import type { EventBatch } from '#src/realtime/feed/event-batch.ts'
import type { DatabaseClock } from '#src/store/clock.ts'
import type { EventSummary } from '#src/store/events.ts'
import type { Instruments } from './instruments.ts'
import { createUsageCounts } from './usage.ts'

const ACKNOWLEDGED_SECONDS = [0.05, 0.25, 1, 5, 15, 30, 60, 300]
const ANSWERED_SECONDS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400]
const DELIVERY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const knownTransitions = agentStatuses.flatMap((from) =>
  agentStatuses
    .filter((to) => canTransition(from, to))
    .flatMap((to) => actorKinds.map((actor) => [from, to, actor])),
)

export type EventMetrics = {
  /** Wraps the bus so that it counts events. The process that commits an event publishes it, once. */
  measure: (bus: Bus) => Bus
  /** Call after a batch was written to the sockets of live watchers. */
  delivered: (batch: EventBatch) => void
}

export function createEventMetrics(instruments: Instruments, clock: DatabaseClock): EventMetrics {
  const count = createCounts(instruments, clock)
  const countUsage = createUsageCounts(instruments)
  const seconds = instruments.histogram(
    {
      name: 'delivery_seconds',
      help: 'Time until an event is written to all live sockets; `own`: from the commit in this process; `other`: from `at`, once a batch',
    },
    DELIVERY_SECONDS,
    ['origin'],
  )
  // Zeros give a rate its start before the first event.
  for (const origin of ['own', 'other'] as const) seconds.zero({ origin })
  const [own, other] = [seconds.labels('own'), seconds.labels('other')]
  return {
    measure: (bus) => ({
      ...bus,
      publish({ eventDetails, ...event }) {
        for (const summary of eventDetails ?? []) {
          count(summary)
          if (summary.used) countUsage(event.project_id, summary.used)
        }
        bus.publish({ ...event, committed_at: performance.now() })
      },
    }),
    delivered({ events }) {
      const now = performance.now()
      let isFirst = true
      for (const { committed_at, at } of events) {
        if (committed_at !== undefined) own.observe((now - committed_at) / 1000)
        else if (isFirst) {
          isFirst = false
          other.observe(Math.max(0, clock.now() - Date.parse(at)) / 1000)
        }
      }
    },
  }
}

function createCounts(instruments: Instruments, clock: DatabaseClock): (summary: EventSummary) => void {
  const appended = instruments.tally(
    { name: 'events_appended_total', help: 'Events committed by this process' },
    ['name'],
    eventNames.map((name) => [name]),
  )
  const transitions = instruments.tally(
    { name: 'transitions_total', help: 'Status changes committed by this process' },
    ['from', 'to', 'actor'],
    knownTransitions,
  )
  const issued = instruments.tally(
    { name: 'signals_issued_total', help: 'Signals for runtimes committed by this process' },
    ['kind'],
    signalKinds.map((kind) => [kind]),
  )
  const acknowledged = instruments.histogram(
    {
      name: 'signal_acknowledgement_seconds',
      help: 'Time from the issue of a signal to its acknowledgement',
    },
    ACKNOWLEDGED_SECONDS,
    ['kind'],
  )
  for (const kind of signalKinds) acknowledged.zero({ kind })
  const countEnd = createRequestCounts(instruments)
  return ({ name, from, to, signal, request, actor, times }) => {
    appended.add([name], times)
    if (name === 'agent.request_ended' && request) countEnd(request, times)
    if (from && to) transitions.add([from, to, actor], times)
    if (!signal) return
    if (issuingEvents.has(name)) issued.add([signal.kind], times)
    if (name !== 'agent.signal_acknowledged') return
    const waited = clock.now() - Date.parse(signal.issued_at)
    acknowledged.observe({ kind: signal.kind }, Math.max(0, waited) / 1000)
  }
}

function createRequestCounts(instruments: Instruments): (ended: RequestSummary, times: number) => void {
  const ended = instruments.tally(
    { name: 'requests_ended_total', help: 'Ends of requests committed by this process' },
    ['cause'],
    requestCauses.map((cause) => [cause]),
  )
  const answered = instruments.histogram(
    { name: 'request_answer_seconds', help: 'Time from a request to its answer by a person' },
    ANSWERED_SECONDS,
    ['state'],
  )
  for (const state of ['resolved', 'cancelled'] as const) answered.zero({ state })
  return ({ cause, state, created_at, ended_at }, times) => {
    if (cause === null || ended_at === null) return
    ended.add([cause], times)
    if (cause === 'answered') answered.observe({ state }, secondsBetween(created_at, ended_at))
  }
}

function secondsBetween(from: Time, to: Time): number {
  return Math.max(0, Date.parse(to) - Date.parse(from)) / 1000
}
