import type { EventStreams } from '#src/realtime/event-streams.ts'
import type { Hub } from '#src/realtime/hub.ts'
import type { Realtime } from '#src/realtime/realtime.ts'
import type { RuntimeLinks } from '#src/realtime/runtime-links.ts'
import type { Instruments } from './instruments.ts'

export type RealtimeParts = { hub: Hub; realtime: Realtime; streams: EventStreams; links: RuntimeLinks }

/** What is read off the real-time side. */
export function readRealtime(instruments: Instruments, parts: RealtimeParts): void {
  readReaders(instruments, parts)
  readRuntimes(instruments, parts)
}

function readReaders(instruments: Instruments, { hub, realtime, streams }: RealtimeParts): void {
  instruments.gauge(
    { name: 'websocket_connections', help: 'Open WebSockets' },
    () => realtime.connections.size,
  )
  instruments.counter(
    {
      name: 'websocket_closes_total',
      help: 'WebSockets that were closed, by code; 1006: the connection broke',
    },
    () => realtime.closes,
    'code',
  )
  instruments.gauge(
    {
      name: 'lagging_sockets',
      help: 'WebSockets that wait for their peer to read: no live events go to them',
    },
    () => realtime.lagging(),
  )
  instruments.gauge({ name: 'subscriptions', help: 'Watches on WebSockets' }, () => hub.counts.subscriptions)
  instruments.gauge({ name: 'event_streams', help: 'Open streams of server-sent events' }, () => streams.size)
  instruments.gauge(
    { name: 'watched_projects', help: 'Projects that somebody reads' },
    () => hub.feeds().length,
  )
  instruments.counter(
    { name: 'events_delivered_total', help: 'Events times the live readers that they were given to' },
    () => hub.counts.delivered,
  )
  instruments.counter(
    { name: 'gap_events_total', help: 'Events that the bus did not bring, read from the log' },
    () => hub.counts.filled,
  )
  instruments.counter(
    {
      name: 'tail_check_finds_total',
      help: 'Times that the tail check found events that the bus did not bring later either',
    },
    () => hub.counts.lost,
  )
  instruments.counter(
    { name: 'log_queries_total', help: 'Pages read from the event log' },
    () => hub.pages.queries,
  )
}

function readRuntimes(instruments: Instruments, { links }: RealtimeParts): void {
  const { counts } = links.delivery
  instruments.gauge(
    { name: 'runtime_links', help: 'Agents whose runtime is attached to this process' },
    () => links.size,
  )
  instruments.counter(
    { name: 'signals_sent_total', help: 'Signals sent to runtimes, repeats included' },
    () => counts.sent,
    'kind',
  )
  instruments.counter(
    { name: 'signals_resent_total', help: 'Signals sent again for want of an acknowledgement' },
    () => counts.resent,
    'kind',
  )
  instruments.counter(
    {
      name: 'reports_total',
      help: 'Reports of runtimes; `status_rejected`: applied, but for a status that the agent could not take',
    },
    () => links.reports,
    'outcome',
  )
}
