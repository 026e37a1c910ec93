/**
 * The least that a fan-out server can do: `ws`, fed by Redis, one pre-built frame an event. `joined` gathers what
 * a turn of the event loop brings into one write a socket; `single` writes each event by itself; `pinging` does so,
 * and pings every 15 s, as whoever wants to know of dead peers: a socket whose peer has answered costs the system more.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { Redis } from 'ioredis'
import { WebSocketServer } from 'ws'
import { toTextFrame } from '#src/realtime/feed/event-batch.ts'

const [, , mode, redisUrl = ''] = process.argv
const subscriber = new Redis(redisUrl)
const rooms = new Map<string, Set<Duplex>>()
const pending = new Map<string, Buffer[]>()

function write(room: string, frames: Buffer): void {
  for (const socket of rooms.get(room) ?? []) socket.write(frames)
}

function flush(): void {
  for (const [room, frames] of pending) write(room, Buffer.concat(frames))
  pending.clear()
}

subscriber.on('message', (channel: string, message: string) => {
  const room = channel.slice('bench:'.length)
  const frame = toTextFrame(message)
  if (mode !== 'joined') return write(room, frame)
  if (pending.size === 0) setImmediate(flush)
  const frames = pending.get(room)
  if (frames) frames.push(frame)
  else pending.set(room, [frame])
})

const server = createServer()
const sockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false })
server.on('upgrade', (request, socket, head) => {
  const room = (request.url ?? '/').slice(1)
  sockets.handleUpgrade(request, socket, head, async (ws) => {
    ws.on('error', () => {})
    if (mode === 'pinging') {
      const timer = setInterval(() => ws.ping(), 15_000)
      ws.on('close', () => clearInterval(timer))
    }
    const members = rooms.get(room)
    if (members) members.add(socket)
    else {
      rooms.set(room, new Set([socket]))
      await subscriber.subscribe(`bench:${room}`)
    }
    ws.send('ready')
  })
})
server.listen(0, '127.0.0.1', () => console.log(`ready on ${(server.address() as AddressInfo).port}`))
