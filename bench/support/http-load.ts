import { connect } from 'node:net'
import { cpuSeconds } from './measured.ts'
import { percentile, type Row } from './results.ts'

export type HttpShape = {
  port: number
  pid: number
  /** Of the database's server processes: their CPU is told, too. */
  databaseCpu: () => Promise<number>
  connections: number
  requests: number
  /** The next request of a connection, whole, and the status that its answer must have. */
  next: (connection: number, turn: number) => { request: string; status: number }
}

/** Keep-alive connections over bare TCP, one request at a time on each; every answer's status is checked. */
export async function loadHttp(name: string, shape: HttpShape): Promise<Row> {
  // A server's code is compiled as it is used: what counts is how it is once that is done.
  await run(shape, shape.requests)
  const before = { cpu: cpuSeconds(shape.pid), database: await shape.databaseCpu(), at: performance.now() }
  const { latencies, faults } = await run(shape, shape.requests)
  const seconds = (performance.now() - before.at) / 1000
  return {
    route: name,
    'requests/s': shape.requests / seconds,
    'server CPU ms': ((cpuSeconds(shape.pid) - before.cpu) / shape.requests) * 1000,
    'database CPU ms': (((await shape.databaseCpu()) - before.database) / shape.requests) * 1000,
    'p50 ms': percentile(latencies, 0.5),
    'p99 ms': percentile(latencies, 0.99),
    faults,
  }
}

async function run(shape: HttpShape, requests: number): Promise<{ latencies: number[]; faults: number }> {
  const latencies: number[] = []
  let [started, faults] = [0, 0]
  const work = (connection: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(shape.port, '127.0.0.1')
      socket.setNoDelay(true)
      let [turn, sentAt, expected] = [0, 0, 0]
      let received = Buffer.alloc(0)
      const send = () => {
        if (started >= requests) {
          socket.destroy()
          return resolve()
        }
        started++
        const { request, status } = shape.next(connection, turn++)
        expected = status
        sentAt = performance.now()
        socket.write(request)
      }
      socket.on('connect', send)
      socket.on('error', reject)
      socket.on('data', (data) => {
        received = received.length > 0 ? Buffer.concat([received, data]) : data
        const head = received.indexOf('\r\n\r\n')
        if (head < 0) return
        const length = Number(
          /content-length: (\d+)/i.exec(received.subarray(0, head).toString('latin1'))?.[1] ?? 0,
        )
        if (received.length < head + 4 + length) return
        latencies.push(performance.now() - sentAt)
        if (Number(received.subarray(9, 12).toString()) !== expected) {
          faults++
          if (process.env.BENCH_LOG) console.error(received.toString())
        }
        received = Buffer.alloc(0)
        send()
      })
    })
  await Promise.all(Array.from({ length: shape.connections }, (_, index) => work(index)))
  return { latencies, faults }
}

export function httpRequest(
  method: string,
  path: string,
  { token, body }: { token?: string; body?: string } = {},
): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(token ? [`Authorization: Bearer ${token}`] : []),
    ...(body === undefined
      ? []
      : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`]),
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}
