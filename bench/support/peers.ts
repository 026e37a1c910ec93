import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { channelOf, createNewsCodec } from '#src/bus/news.ts'
import { readDeployment } from '../../test/support/deployment.ts'
import { createFleet } from '../../test/support/rest.ts'
import { findInPath, freePort } from '../../test/support/services.ts'
import { digitsAfter, eventFrame, seqOf } from './event-frame.ts'
import { Measured } from './measured.ts'
import { RawSocket } from './raw-socket.ts'
import { createTokens, SECRET, type Stage } from './stage.ts'

/** One reader of one room: how it is ended. */
export type Reader = { end: () => void }
type OnSeq = (seq: number) => void

/** A fan-out server: readers join rooms, events are published to a room. */
export type Peer = {
  name: string
  server: Measured
  /** Whether Redis works for it, too: then its CPU counts. */
  usesRedis: boolean
  read: (room: string, onSeq: OnSeq) => Promise<Reader>
  publish: (room: string, seq: number) => void
  end: () => Promise<void>
}

const peerFile = (name: string) => fileURLToPath(new URL(`../peers/${name}.ts`, import.meta.url))
const ready = /ready on (\d+)/

type Watching = { port: number; token: string; project_id: string; onSeq: OnSeq }

/** A watcher of a project of Signalbox; resolves when it is live. */
export async function watch({ port, token, project_id, onSeq }: Watching): Promise<RawSocket> {
  const subscribed = Promise.withResolvers<void>()
  const socket = new RawSocket({
    port,
    path: '/api/v1/ws',
    headers: { Authorization: `Bearer ${token}` },
    onText(buffer, start, end) {
      const seq = seqOf(buffer, start, end)
      if (seq !== undefined) onSeq(seq)
      else if (buffer.subarray(start, end).includes('"last":true')) subscribed.resolve()
    },
  })
  await socket.opened
  socket.send(JSON.stringify({ type: 'subscribe', project_id }))
  await subscribed.promise
  return socket
}

export async function startSignalboxPeer(
  stage: Stage,
  readers: number,
): Promise<Peer & { rooms: (count: number) => Promise<string[]> }> {
  const { server, rest, fleet } = await stage.startSignalbox()
  const deployment = await readDeployment(stage.databaseUrl, stage.redisUrl)
  const codec = createNewsCodec([SECRET], { sender: 'bench', deployment })
  const nextToken = await createTokens(rest, readers)
  return {
    name: 'Signalbox',
    server,
    usesRedis: true,
    async rooms(count) {
      const rooms = [fleet.project_id]
      while (rooms.length < count) {
        const { project_id } = await createFleet(rest)
        rooms.push(project_id)
      }
      return rooms
    },
    async read(room, onSeq) {
      return watch({ port: server.port, token: nextToken(), project_id: room, onSeq })
    },
    publish: (room, seq) => {
      void stage.redis.publish(channelOf(deployment, room), codec.encode(eventFrame(room, seq)))
    },
    end: () => server.stop(),
  }
}

const loops = {
  single: 'ws, pre-built frame, fed by Redis',
  pinging: 'the same with a ping every 15 s',
  joined: 'ws, joined writes, fed by Redis',
} as const

export async function startLoop(stage: Stage, mode: keyof typeof loops): Promise<Peer> {
  const args = [peerFile('ws-loop'), mode, stage.redisUrl]
  const server = await Measured.start({ command: process.execPath, args, ready })
  return {
    name: loops[mode],
    server,
    usesRedis: true,
    async read(room, onSeq) {
      const joined = Promise.withResolvers<void>()
      const socket = new RawSocket({
        port: server.port,
        path: `/${room}`,
        onText(buffer, start, end) {
          const seq = seqOf(buffer, start, end)
          if (seq === undefined) joined.resolve()
          else onSeq(seq)
        },
      })
      await joined.promise
      return socket
    },
    publish: (room, seq) => {
      void stage.redis.publish(`bench:${room}`, eventFrame(room, seq).frame)
    },
    end: () => server.stop(),
  }
}

export async function startSocketIo(stage: Stage): Promise<Peer> {
  const args = [peerFile('socket-io'), stage.redisUrl]
  const server = await Measured.start({ command: process.execPath, args, ready })
  // Another replica, here: what it emits reaches the measured one through Redis.
  const [pub, sub] = [new Redis(stage.redisUrl), new Redis(stage.redisUrl)]
  const emitter = new Server({ adapter: createAdapter(pub, sub) })
  const marker = Buffer.from('"seq":')
  return {
    name: 'socket.io with its Redis adapter',
    server,
    usesRedis: true,
    async read(room, onSeq) {
      const joined = Promise.withResolvers<void>()
      const socket = new RawSocket({
        port: server.port,
        path: `/socket.io/?EIO=4&transport=websocket&room=${room}`,
        onText(buffer, start, end) {
          const kind = buffer[start]
          if (kind === 0x30) socket.send('40')
          else if (kind === 0x32) socket.send('3')
          if (kind !== 0x34 || buffer[start + 1] !== 0x32) {
            // 2 alone is the server's ping.
          } else if (buffer[start + 4] === 0x72) joined.resolve()
          else onSeq(digitsAfter(buffer, buffer.indexOf(marker, start) + marker.length, end))
        },
      })
      await joined.promise
      return socket
    },
    publish: (room, seq) => {
      emitter.to(room).emit('event', JSON.parse(eventFrame(room, seq).frame))
    },
    async end() {
      await server.stop()
      for (const client of [pub, sub]) client.disconnect()
    },
  }
}

/** Undefined where nats-server is not installed. */
export async function startNats(): Promise<Peer | undefined> {
  const command = findInPath('nats-server')
  if (!command) return undefined
  const port = await freePort()
  const args = ['-a', '127.0.0.1', '-p', String(port)]
  const server = await Measured.start({ command, args, ready: /Server is (ready)/ })
  const publisher = connect(port, '127.0.0.1')
  publisher.on('data', (data) => answerPing(publisher, data))
  publisher.write('CONNECT {"verbose":false}\r\n')
  return {
    name: 'nats-server',
    server,
    usesRedis: false,
    read: (room, onSeq) => readNats(port, room, onSeq),
    publish: (room, seq) => {
      const { frame } = eventFrame(room, seq)
      publisher.write(`PUB ${room} ${frame.length}\r\n${frame}\r\n`)
    },
    async end() {
      publisher.destroy()
      await server.stop()
    },
  }
}

function answerPing(socket: Socket, data: Buffer): void {
  if (data.indexOf('PING\r\n') >= 0) socket.write('PONG\r\n')
}

async function readNats(port: number, room: string, onSeq: OnSeq): Promise<Reader> {
  const socket = connect(port, '127.0.0.1')
  const marker = Buffer.from('"seq":')
  const subscribed = Promise.withResolvers<void>()
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (data) => {
    rest = rest.length > 0 ? Buffer.concat([rest, data]) : data
    for (;;) {
      const line = rest.indexOf('\r\n')
      if (line < 0) return
      if (rest[0] !== 0x4d) {
        const word = rest.subarray(0, line).toString()
        if (word === 'PING') socket.write('PONG\r\n')
        if (word === 'PONG') subscribed.resolve()
        rest = rest.subarray(line + 2)
        continue
      }
      const length = Number(rest.subarray(rest.lastIndexOf(' ', line) + 1, line).toString())
      const end = line + 2 + length + 2
      if (rest.length < end) return
      onSeq(digitsAfter(rest, rest.indexOf(marker, line) + marker.length, end))
      rest = rest.subarray(end)
    }
  })
  socket.write(`CONNECT {"verbose":false}\r\nSUB ${room} 1\r\nPING\r\n`)
  await subscribed.promise
  return { end: () => socket.destroy() }
}
