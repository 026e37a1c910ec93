import { RawSocket } from './raw-socket.ts'

/** Agents that report over one socket, and what it has received for them. */
export type Reporters = {
  ids: string[]
  socket: RawSocket
  reported: number
  signals: number
  attached: number
}

const markers = {
  attached: Buffer.from('{"type":"attached"'),
  reported: Buffer.from('{"type":"reported"'),
  signals: Buffer.from('{"type":"signal"'),
} as const
type Counted = keyof typeof markers

const waiting = new Map<Reporters, { name: Counted; left: number; resolve: () => void }>()

export async function connectReporters(port: number, token: string, ids: string[]): Promise<Reporters> {
  const socket = new RawSocket({
    port,
    path: '/api/v1/ws',
    headers: { Authorization: `Bearer ${token}` },
    onText(buffer, start) {
      for (const [name, marker] of Object.entries(markers)) {
        if (buffer.compare(marker, 0, marker.length, start, start + marker.length) === 0)
          count(one, name as Counted)
      }
    },
  })
  const one: Reporters = { ids, socket, attached: 0, reported: 0, signals: 0 }
  await socket.opened
  return one
}

function count(one: Reporters, name: Counted): void {
  one[name]++
  const wait = waiting.get(one)
  if (wait?.name !== name || --wait.left > 0) return
  waiting.delete(one)
  wait.resolve()
}

/** Resolves when `left` frames of this kind have arrived since `begin`. */
export function untilCount(one: Reporters, name: Counted, left: number, begin: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting.set(one, { name, left, resolve })
  begin()
  return promise
}

export function attachAll(one: Reporters): Promise<void> {
  return untilCount(one, 'attached', one.ids.length, () => {
    for (const agent_id of one.ids) one.socket.send(JSON.stringify({ type: 'attach', agent_id }))
  })
}

/** Each agent of a socket reports in turn; the server takes as many as it wants. */
export function reportAll(one: Reporters, first: number, times: number): Promise<void> {
  return untilCount(one, 'reported', one.ids.length * times, () => {
    for (let n = first; n < first + times; n++) {
      for (const agent_id of one.ids) {
        one.socket.send(
          JSON.stringify({ type: 'report', agent_id, n, usage: { tokens_used: 7, cost_incurred: '0.0001' } }),
        )
      }
    }
  })
}
