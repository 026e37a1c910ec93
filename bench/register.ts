/**
 * `npm run bench:register`: a fleet of 5,000 agents starts, and comes back after its sockets broke: each agent registers, over 50
 * sockets with one runtime key. BENCH_AGENTS, BENCH_SOCKETS: of another size.
 */
import { openDatabaseCpu } from './support/database-cpu.ts'
import { cpuSeconds, pinSelf } from './support/measured.ts'
import { RawSocket } from './support/raw-socket.ts'
import { publish, type Row, round, target } from './support/results.ts'
import { openStage, type Signalbox } from './support/stage.ts'

const AGENTS = Number(process.env.BENCH_AGENTS ?? 5_000)
const SOCKETS = Number(process.env.BENCH_SOCKETS ?? 50)
const registered = {
  created: Buffer.from('"registered":"created"}'),
  found: Buffer.from('"registered":"found"}'),
} as const
type Registered = keyof typeof registered

pinSelf()
const stage = await openStage()
try {
  const signalbox = await stage.startSignalbox()
  const { rest, fleet } = signalbox
  const { body: made } = await rest.post<{ key: string }>('/api-keys', {
    name: 'Fleet',
    role: 'runtime',
    project_id: fleet.project_id,
  })
  const rows = [await register(signalbox, made.key, 'created'), await register(signalbox, made.key, 'found')]
  const { body } = await rest.get<{ total_instances: number }>(`${fleet.agents}/metrics`)
  publish('register', rows)
  const worst = Math.max(...rows.map((row) => Number(row.seconds)))
  const faults = rows.reduce((sum, row) => sum + Number(row.faults), Math.abs(body.total_instances - AGENTS))
  console.table([
    target(`${AGENTS} agents register over ${SOCKETS} sockets within 10 s`, worst, worst < 10),
    target('one agent of each name, and each attached', faults, faults === 0),
  ])
} finally {
  await stage.end()
}
process.exit()

async function register({ server, fleet }: Signalbox, key: string, expected: Registered): Promise<Row> {
  const databaseCpu = await openDatabaseCpu(stage.databaseUrl)
  const before = { cpu: cpuSeconds(server.pid), database: await databaseCpu(), at: performance.now() }
  let [answers, faults] = [0, 0]
  const all = Promise.withResolvers<void>()
  const marker = registered[expected]
  const sockets = await Promise.all(
    Array.from({ length: SOCKETS }, async () => {
      const socket = new RawSocket({
        port: server.port,
        path: '/api/v1/ws',
        headers: { Authorization: `Bearer ${key}` },
        onText(buffer, start, end) {
          if (buffer.includes('"type":"hello"', start)) return
          if (buffer.compare(marker, 0, marker.length, end - marker.length, end) !== 0) faults++
          if (++answers === AGENTS) all.resolve()
        },
      })
      await socket.opened
      return socket
    }),
  )
  for (let index = 0; index < AGENTS; index++) {
    const message = {
      type: 'register',
      external_id: `fleet/${index}`,
      name: `Agent ${index}`,
      agent_type: fleet.agent_type_id,
      labels: { shard: `${index % 16}` },
      capabilities: ['interrupt'],
      client: 'bench/1',
    }
    sockets[index % SOCKETS]?.send(JSON.stringify(message))
  }
  await all.promise
  const seconds = (performance.now() - before.at) / 1000
  const cost = { cpu: cpuSeconds(server.pid) - before.cpu, database: (await databaseCpu()) - before.database }
  for (const socket of sockets) socket.end()
  return {
    agents: expected,
    seconds: round(seconds),
    'registers/s': round(AGENTS / seconds),
    'server CPU s': round(cost.cpu),
    'database CPU s': round(cost.database),
    faults,
  }
}
