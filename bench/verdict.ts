/**
 * `npm run bench:verdict`: 1,000 verdicts a second for 20 s, while agents are paused and resumed, and others report. The
 * requests come at their times, whatever the answers do, so a delay shows.
 */

import { Agent as HttpAgent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnMany } from '../test/support/load.ts'
import { startRequests } from './support/fleet-load.ts'
import { cpuSeconds } from './support/measured.ts'
import { percentile, publish, round, target } from './support/results.ts'
import { openStage } from './support/stage.ts'

const RATE = Number(process.env.BENCH_RATE ?? 1_000)
const SECONDS = 20
const AGENTS = 50

const stage = await openStage()
try {
  const { server, rest, fleet, origin } = await stage.startSignalbox({}, { isPinned: false })
  const agents = await spawnMany(fleet, AGENTS)
  const tokens: string[] = []
  for (const { id } of agents) {
    tokens.push((await rest.post<{ token: string }>(`${fleet.agents}/${id}/token`)).body.token)
  }
  const pool = new HttpAgent({ keepAlive: true, maxSockets: 64 })
  const latencies: number[] = []
  let faults = 0
  const ask = (token: string) =>
    new Promise<void>((resolve) => {
      const at = performance.now()
      const asked = request(`${origin}/api/v1/verdict`, {
        agent: pool,
        headers: { 'X-Signalbox-Token': token },
      })
      asked.on('response', (answer) => {
        answer.resume()
        answer.on('end', () => {
          latencies.push(performance.now() - at)
          if (answer.statusCode !== 200 && answer.statusCode !== 403) faults++
          resolve()
        })
      })
      asked.on('error', () => {
        faults++
        resolve()
      })
      asked.end()
    })
  const load = async (seconds: number) => {
    const start = performance.now()
    const all: Promise<void>[] = []
    for (let sent = 0; sent < RATE * seconds; ) {
      const due = Math.min(((performance.now() - start) / 1000) * RATE, RATE * seconds)
      for (; sent < due; sent++) all.push(ask(tokens[sent % AGENTS] ?? ''))
      await sleep(1)
    }
    await Promise.all(all)
  }
  const [first, second] = agents
  if (!first || !second) throw new Error('no agents were spawned')
  let isPaused = false
  const others = startRequests([
    () => {
      isPaused = !isPaused
      return rest.post(`${fleet.agents}/${first.id}/${isPaused ? 'pause' : 'resume'}`)
    },
    () => rest.patch(`${fleet.agents}/${second.id}`, { tokens_used: latencies.length }),
    () => rest.get(`${fleet.agents}?limit=20`),
  ])
  // A server's code is compiled as it is used.
  await load(3)
  latencies.length = 0
  const before = cpuSeconds(server.pid)
  await load(SECONDS)
  const cpu = cpuSeconds(server.pid) - before
  const besides = await others.stop()
  const p99 = percentile(latencies, 0.99)
  publish('verdict', [
    {
      verdicts: latencies.length,
      'p50 ms': round(percentile(latencies, 0.5)),
      'p99 ms': round(p99),
      'longest ms': round(percentile(latencies, 1)),
      'server CPU s': round(cpu),
      'others p99 ms': round(besides.p99),
      faults: faults + besides.faults,
    },
  ])
  console.table([
    target(`p99 of ${RATE} verdicts/s under 10 ms`, p99, p99 < 10),
    target('no verdict lost or refused', faults, faults === 0),
  ])
} finally {
  await stage.end()
}
process.exit()
