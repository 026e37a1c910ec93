import type { Bus } from '#src/bus/bus.ts'
import { actorKinds, eventNames, issuingEvents } from '#src/domain/events.ts'
import { agentStatuses, canTransition } from '#src/domain/lifecycle.ts'
import { signalKinds } from '#src/domain/signal.ts'
import { type EventBatch, timeOf } from '#src/realtime/event-batch.ts'
import type { ToldEvent } from '#src/store/events.ts'
import type { Instruments } from './instruments.ts'

const ACKNOWLEDGED_SECONDS = [0.05, 0.25, 1, 5, 15, 30, 60, 300]
const DELIVERY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const knownTransitions = agentStatuses.flatMap((from) =>
  agentStatuses
    .filter((to) => canTransition(from, to))
    .flatMap((to) => actorKinds.map((actor) => [from, to, actor])),
)

export type EventMetrics = {
  /** The same bus, on which what is published is counted: each committed event is, once, by its process. */
  measure: (bus: Bus) => Bus
  /** A batch was written to the sockets of its live watchers. */
  delivered: (batch: EventBatch) => void
}

export function createEventMetrics(instruments: Instruments): EventMetrics {
  const count = createCounts(instruments)
  const seconds = instruments.histogram(
    {
      name: 'delivery_seconds',
      help: 'To the write to all live sockets: of own events from their commit, of one of a batch of others from its `at`',
    },
    DELIVERY_SECONDS,
    ['origin'],
  )
  // So that a rate has a beginning before the first one comes.
  for (const origin of ['own', 'other'] as const) seconds.zero({ origin })
  const [own, other] = [seconds.labels('own'), seconds.labels('other')]
  return {
    measure: (bus) => ({
      ...bus,
      publish({ told, ...event }) {
        if (told) count(told)
        bus.publish({ ...event, committed_at: performance.now() })
      },
    }),
    delivered({ events }) {
      const now = performance.now()
      let isFirst = true
      for (const { committed_at, frame } of events) {
        if (committed_at !== undefined) own.observe((now - committed_at) / 1000)
        else if (isFirst) {
          isFirst = false
          // The clocks of two machines.
          other.observe(Math.max(0, Date.now() - timeOf(frame)) / 1000)
        }
      }
    },
  }
}

function createCounts(instruments: Instruments): (told: ToldEvent) => void {
  const appended = instruments.tally(
    { name: 'events_appended_total', help: 'Events that this process committed' },
    ['name'],
    eventNames.map((name) => [name]),
  )
  const transitions = instruments.tally(
    { name: 'transitions_total', help: 'Changes of status that this process committed' },
    ['from', 'to', 'actor'],
    knownTransitions,
  )
  const issued = instruments.tally(
    { name: 'signals_issued_total', help: 'Signals that this process committed for runtimes' },
    ['kind'],
    signalKinds.map((kind) => [kind]),
  )
  const acknowledged = instruments.histogram(
    {
      name: 'signal_acknowledgement_seconds',
      help: 'From the issue of a signal to the acknowledgement by its runtime',
    },
    ACKNOWLEDGED_SECONDS,
    ['kind'],
  )
  for (const kind of signalKinds) acknowledged.zero({ kind })
  return ({ name, from, to, signal, actor }) => {
    appended.add(name)
    if (from && to) transitions.add(from, to, actor)
    if (!signal) return
    if (issuingEvents.has(name)) issued.add(signal.kind)
    if (name !== 'agent.signal_acknowledged') return
    const waited = Date.now() - Date.parse(signal.issued_at)
    acknowledged.observe({ kind: signal.kind }, Math.max(0, waited) / 1000)
  }
}
