import type { Hub } from '#src/realtime/feed/hub.ts'
import type { LongPolls } from '#src/realtime/polls/long-polls.ts'
import type { RuntimeLinks } from '#src/realtime/runtimes/runtime-links.ts'
import type { SocketServer } from '#src/realtime/sessions/socket-server.ts'
import type { EventStreams } from '#src/realtime/streams/event-streams.ts'
import type { Instruments } from './instruments.ts'

export type RealtimeSources = {
  hub: Hub
  realtime: SocketServer
  streams: EventStreams
  polls: LongPolls
  links: RuntimeLinks
}

/** Metrics of readers and runtimes. */
export function readRealtime(instruments: Instruments, sources: RealtimeSources): void {
  readReaders(instruments, sources)
  readRuntimes(instruments, sources)
}

function readReaders(instruments: Instruments, { hub, realtime, streams }: RealtimeSources): void {
  instruments.gauge(
    { name: 'websocket_connections', help: 'Open WebSockets' },
    () => realtime.connections.size,
  )
  instruments.counter(
    {
      name: 'websocket_closes_total',
      help: 'Closed WebSockets, by close code; 1006: the connection broke',
    },
    () => realtime.closes,
    'code',
  )
  instruments.gauge(
    {
      name: 'lagging_sockets',
      help: 'WebSockets whose peers are slow to read; they get no live events',
    },
    () => realtime.lagging(),
  )
  instruments.gauge(
    { name: 'subscriptions', help: 'Open subscriptions on WebSockets' },
    () => hub.counts.subscriptions,
  )
  instruments.gauge({ name: 'event_streams', help: 'Open streams of server-sent events' }, () => streams.size)
  instruments.gauge(
    { name: 'watched_projects', help: 'Projects with at least one reader' },
    () => hub.feeds().length,
  )
  instruments.counter(
    { name: 'events_delivered_total', help: 'Events delivered to live readers, once for each reader' },
    () => hub.counts.delivered,
  )
  instruments.counter(
    { name: 'gap_events_total', help: 'Events read from the log since the bus did not bring them in time' },
    () => hub.counts.filled,
  )
  instruments.counter(
    {
      name: 'tail_check_finds_total',
      help: 'Times that a tail check found events that the bus lost',
    },
    () => hub.counts.lost,
  )
  instruments.counter(
    { name: 'log_queries_total', help: 'Pages read from the event log' },
    () => hub.pages.queries,
  )
}

function readRuntimes(instruments: Instruments, { links, polls }: RealtimeSources): void {
  const { counts } = links.delivery
  instruments.gauge({ name: 'waiting_polls', help: 'Long polls that wait for news' }, () => polls.size)
  instruments.gauge({ name: 'runtime_links', help: 'Agents attached to this process' }, () => links.size)
  instruments.counter(
    { name: 'signals_sent_total', help: 'Signals sent to runtimes, including repeats' },
    () => counts.sent,
    'kind',
  )
  instruments.counter(
    { name: 'signals_resent_total', help: 'Signals sent again since no acknowledgement came' },
    () => counts.resent,
    'kind',
  )
  instruments.counter(
    {
      name: 'reports_total',
      help: 'Reports of runtimes; `status_rejected`: applied except for the status, which the agent may not enter',
    },
    () => links.reports,
    'outcome',
  )
}
