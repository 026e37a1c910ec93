import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import ip from 'ipaddr.js'

const HEADER_BYTES = 12
/** Of the type and class that end a question. */
const QUESTION_END_BYTES = 4
const types: Record<number, 'ipv4' | 'ipv6'> = { 1: 'ipv4', 28: 'ipv6' }
const NO_SUCH_NAME = 3

/** A name server on UDP. A name has addresses, or never gets an answer; any other does not exist. */
export async function startNameServer(names: Record<string, string[] | 'hangs'>) {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const asked: string[] = []
  socket.on('message', (query, peer) => {
    const labels: string[] = []
    let end = HEADER_BYTES
    for (let length = query[end++] ?? 0; length > 0; length = query[end++] ?? 0) {
      labels.push(query.toString('latin1', end, end + length))
      end += length
    }
    const name = labels.join('.')
    asked.push(name)
    const known = names[name]
    if (known === 'hangs') return
    const kind = types[query.readUInt16BE(end)]
    const records = (known ?? []).map((text) => ip.parse(text)).filter((address) => address.kind() === kind)
    const answer = Buffer.from(query.subarray(0, end + QUESTION_END_BYTES))
    // A response to a recursive question; then its code, and how many of each part there are.
    answer.writeUInt16BE(0x8180 | (known ? 0 : NO_SUCH_NAME), 2)
    for (const [index, count] of [1, records.length, 0, 0].entries())
      answer.writeUInt16BE(count, 4 + 2 * index)
    const sections = records.map((address) => {
      const bytes = address.toByteArray()
      // The name is the question's; type and class, too; 60 s.
      return Buffer.from([
        0xc0,
        HEADER_BYTES,
        ...query.subarray(end, end + 4),
        0,
        0,
        0,
        60,
        0,
        bytes.length,
        ...bytes,
      ])
    })
    socket.send(Buffer.concat([answer, ...sections]), peer.port, peer.address)
  })
  const { port } = socket.address()
  return { servers: [`127.0.0.1:${port}`], asked, close: () => socket.close() }
}
