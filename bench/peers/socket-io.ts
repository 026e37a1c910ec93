/** What people would pick instead: socket.io with its Redis adapter, a room a project. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'

const redisUrl = process.argv[2] ?? ''
const server = createServer()
const io = new Server(server, {
  transports: ['websocket'],
  adapter: createAdapter(new Redis(redisUrl), new Redis(redisUrl)),
})
io.on('connection', (socket) => {
  void socket.join(String(socket.handshake.query.room))
  socket.emit('ready')
})
server.listen(0, '127.0.0.1', () => console.log(`ready on ${(server.address() as AddressInfo).port}`))
