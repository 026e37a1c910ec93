import { randomUUID } from 'node:crypto'
import { afterEach } from 'vitest'
import type { Bus } from '#src/bus/bus.ts'
import { connectRedis } from '#src/bus/connections.ts'
import { createNewsCodec } from '#src/bus/news.ts'
import type { LoggedEvent } from '#src/store/events.ts'

const secret = 'a secret key for tests, of a good length'
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** The bus of one more process, until the end of the test. */
export function connect(url: string, onError: (error: Error) => void = () => {}): Bus {
  const codec = createNewsCodec([secret], randomUUID())
  const { bus, limiter } = connectRedis(url, { codec, onError })
  ends.push(() => [limiter.disconnect(), bus.close()])
  return bus
}

export function newsOf(project_id: string, seq: number): LoggedEvent {
  return { project_id, epoch: 1, seq, frame: `{"seq":${seq},"epoch":1}` }
}

/** Asks again until it is so; fails 20 s later. */
export async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error('it did not come to be')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Publishes one number after the other until one is heard. */
export async function untilHeard(bus: Bus, project_id: string, heard: readonly number[]): Promise<void> {
  const before = heard.length
  let seq = 1_000
  await until(() => {
    if (heard.length === before) bus.publish(newsOf(project_id, seq++))
    return heard.length > before
  })
}
