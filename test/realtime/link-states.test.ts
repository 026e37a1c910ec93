import { describe, expect, it } from 'vitest'
import type { SignalRecord } from '#src/domain/signal.ts'
import { Link } from '#src/realtime/runtimes/link.ts'
import { type LinkState, linkSuccessors } from '#src/realtime/runtimes/link-state.ts'
import { LinkTable } from '#src/realtime/runtimes/link-table.ts'
import { AwakeClock } from '#src/realtime/socket/awake-clock.ts'

const awake = new AwakeClock()
awake.close()

function openLink(agent_id = 'a') {
  const sent: string[] = []
  const outlet = {
    isOpen: true,
    isFull: false,
    send: (message: { type: string }) => void sent.push(message.type),
    dismiss: () => {},
    drained: async () => {},
  }
  const link = new Link({
    agent_id,
    project_id: 'p',
    actor: { kind: 'runtime', id: null },
    lease: 1,
    epoch: 1,
    seq: 10,
    outlet,
    sent: { pause: 0, resume: 0, terminate: 0, message: 0, answer: 0 },
    awake,
    onDetached: () => {},
  })
  return { link, outlet, sent }
}
type Open = ReturnType<typeof openLink>

const record: SignalRecord = {
  id: 's',
  agent_id: 'a',
  kind: 'pause',
  payload: null,
  reason: null,
  mode: 'checkpoint',
  issued_at: '2026-01-01T00:00:00.000Z',
  attempt: 0,
  seq: 11,
  delivered_at: null,
  acknowledged_at: null,
  outcome: null,
  detail: null,
  overdue_at: null,
  fetched_at: null,
  traceparent: null,
}

const fill = ({ outlet }: Open) => {
  outlet.isFull = true
}
const drain = ({ outlet }: Open) => {
  outlet.isFull = false
}
const queue = ({ link }: Open) => link.queue()
const beginRead = ({ link }: Open) => link.beginRead()
const finishRead = ({ link }: Open) => link.endRead([], true)

/** The steps that bring a new link into each state. */
const ways: Record<LinkState, ((open: Open) => unknown)[]> = {
  attached: [],
  queued: [queue],
  reading: [queue, beginRead],
  stalled: [queue, fill, beginRead],
  live: [queue, beginRead, finishRead],
  ended: [({ link }) => link.end()],
}

const steps: Record<string, (open: Open) => unknown> = {
  'is queued': queue,
  'is queued while its socket is full': (open) => {
    fill(open)
    queue(open)
  },
  'is queued once its socket has drained': (open) => {
    drain(open)
    queue(open)
  },
  'is read': beginRead,
  'is read while its socket is full': (open) => {
    fill(open)
    beginRead(open)
  },
  'gets its last page': finishRead,
  'gets a page that others follow': ({ link }) => link.endRead([], false),
  'gets a page that its full socket cannot take': (open) => {
    fill(open)
    open.link.endRead([record], true)
  },
  'cannot be read': ({ link }) => link.failRead(),
  ends: ({ link }) => link.end(),
}

/** Where each step leads. A step that is missing leaves the link as it is. */
const transitions: Record<LinkState, Partial<Record<keyof typeof steps, LinkState>>> = {
  attached: {
    'is queued': 'queued',
    'is queued while its socket is full': 'queued',
    'is queued once its socket has drained': 'queued',
    ends: 'ended',
  },
  queued: { 'is read': 'reading', 'is read while its socket is full': 'stalled', ends: 'ended' },
  reading: {
    'is queued': 'queued',
    'is queued while its socket is full': 'queued',
    'is queued once its socket has drained': 'queued',
    'gets its last page': 'live',
    'gets a page that others follow': 'queued',
    'gets a page that its full socket cannot take': 'queued',
    'cannot be read': 'queued',
    ends: 'ended',
  },
  stalled: { 'is queued once its socket has drained': 'queued', ends: 'ended' },
  live: {
    'is queued': 'queued',
    'is queued while its socket is full': 'queued',
    'is queued once its socket has drained': 'queued',
    ends: 'ended',
  },
  ended: {},
}

const states = Object.keys(ways) as LinkState[]

describe('the states of a link', () => {
  const rows = states.flatMap((from) =>
    Object.keys(steps).map((name) => ({ from, name, to: transitions[from][name] ?? from })),
  )

  it.each(rows)('a link that is $from and $name is $to', ({ from, name, to }) => {
    const open = openLink()
    for (const step of ways[from]) step(open)
    expect(open.link.state).toBe(from)
    steps[name]?.(open)
    expect(open.link.state).toBe(to)
  })

  it('these rows take every way that the table of states allows', () => {
    for (const from of states) {
      const reached = new Set(Object.values(transitions[from]))
      expect(reached, from).toEqual(new Set(linkSuccessors[from]))
    }
  })

  it.each(states.filter((state) => state !== 'live'))('a link that is %s sends no new signal', (state) => {
    const open = openLink()
    for (const step of ways[state]) step(open)
    expect(open.link.receive(record, { seq: 11 })).toBe(false)
    expect(open.sent).toEqual([])
  })

  it('a live link sends a signal once, by event or by page', () => {
    const open = openLink()
    for (const step of ways.live) step(open)
    expect(open.link.receive(record, { seq: 11 })).toBe(true)
    expect(open.link.receive(record, { seq: 11 })).toBe(true)
    queue(open)
    beginRead(open)
    open.link.endRead([record], true)
    expect(open.sent).toEqual(['signal'])
  })
})

describe('the table of links', () => {
  it('finds the newest link of an agent, and keeps it when an older one is deleted', () => {
    const table = new LinkTable()
    const [older, newer] = [openLink().link, openLink().link]
    table.add(older)
    table.add(newer)
    table.delete(older)
    expect(table.find('a')).toBe(newer)
    expect(table.ofProject('p')).toEqual([newer])
    table.delete(newer)
    expect([table.size, table.ofProject('p'), [...table.all()]]).toEqual([0, [], []])
  })

  it('lets a caller delete the links of a project while it goes through them', () => {
    const table = new LinkTable()
    for (const id of ['a', 'b', 'c']) table.add(openLink(id).link)
    for (const link of table.ofProject('p')) table.delete(link)
    expect(table.size).toBe(0)
  })
})
