import { randomUUID } from 'node:crypto'
import { afterEach } from 'vitest'
import type { Bus } from '#src/bus/bus.ts'
import { connectRedis } from '#src/bus/connections.ts'
import { createNewsCodec } from '#src/bus/news.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { eventually } from '../support/eventually.ts'

const secret = 'a secret key for tests, of a good length'
/** The deployment of every process that names no other. */
export const DEPLOYMENT = 'test'
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** The bus of another process, until the end of the test. */
export function connect(
  url: string,
  onError: (error: Error) => void = () => {},
  deployment = DEPLOYMENT,
): Bus {
  const codec = createNewsCodec([secret], { sender: randomUUID(), deployment })
  const { bus, limiter } = connectRedis(url, { codec, onError })
  ends.push(() => [limiter.disconnect(), bus.close()])
  return bus
}

export function newsOf(project_id: string, seq: number): LoggedEvent {
  const [name, at] = ['agent.updated', '2026-11-23T18:03:11.204Z']
  const frame = `{"type":"event","project_id":"${project_id}","seq":${seq},"epoch":1,"name":"${name}","at":"${at}"}`
  return { project_id, epoch: 1, seq, name, at, frame }
}

/** Publishes numbers in turn until one is heard. */
export async function untilHeard(bus: Bus, project_id: string, heard: readonly number[]): Promise<void> {
  const before = heard.length
  let seq = 1_000
  await eventually(() => {
    if (heard.length === before) bus.publish(newsOf(project_id, seq++))
    return heard.length > before
  })
}
