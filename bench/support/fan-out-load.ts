import type { Redis } from 'ioredis'
import { cpuSeconds, redisPid } from './measured.ts'
import type { Peer, Reader } from './peers.ts'
import { percentile, type Row } from './results.ts'

export type Shape = {
  rooms: readonly string[]
  /** In each room. */
  readers: number
  /** Events that are under way at most, over all rooms. */
  inFlight: number
  events: number
  /** Events a second; undefined: the next as soon as one has arrived everywhere. */
  rate?: number
}

type Room = { name: string; sent: number; next: number[]; arrived: Map<number, { left: number; at: number }> }

/** Connects readers, and checks of every frame that it is the next one of its room. */
export async function connectReaders(peer: Peer, shape: Shape): Promise<Load> {
  const load = new Load(peer, shape)
  await load.connect()
  return load
}

export class Load {
  readonly #peer: Peer
  readonly #shape: Shape
  readonly #rooms: Room[]
  readonly #readers: Reader[] = []
  #latencies: number[] = []
  #faults = 0
  #finished = 0
  #started = 0
  #onFinished: () => void = () => {}

  constructor(peer: Peer, shape: Shape) {
    this.#peer = peer
    this.#shape = shape
    this.#rooms = shape.rooms.map((name) => ({ name, sent: 0, next: [], arrived: new Map() }))
  }

  async connect(): Promise<void> {
    for (const room of this.#rooms) {
      for (let index = 0; index < this.#shape.readers; index += 50) {
        const some = Math.min(50, this.#shape.readers - index)
        const joining = Array.from({ length: some }, (_, offset) => {
          room.next[index + offset] = 1
          return this.#peer.read(room.name, (seq) => this.#take(room, index + offset, seq))
        })
        this.#readers.push(...(await Promise.all(joining)))
      }
    }
  }

  #take(room: Room, reader: number, seq: number): void {
    if (seq !== room.next[reader]) this.#faults++
    room.next[reader] = seq + 1
    const event = room.arrived.get(seq)
    if (!event) return
    this.#latencies.push(performance.now() - event.at)
    if (--event.left > 0) return
    room.arrived.delete(seq)
    this.#finished++
    this.#onFinished()
  }

  #publish(): void {
    const room = this.#rooms[this.#started++ % this.#rooms.length] as Room
    const seq = ++room.sent
    room.arrived.set(seq, { left: this.#shape.readers, at: performance.now() })
    this.#peer.publish(room.name, seq)
  }

  /** Publishes the events and waits until each has arrived everywhere. */
  async run(redis: Redis): Promise<Row> {
    const { events, inFlight, rate, readers } = this.#shape
    // A server's code is compiled as it is used: what counts is how it is once that is done.
    await this.#send(events, inFlight)
    this.#latencies = []
    const pids = [this.#peer.server.pid, ...(this.#peer.usesRedis ? [await redisPid(redis)] : [])]
    const before = pids.map(cpuSeconds)
    const started = performance.now()
    await (rate === undefined ? this.#send(events, inFlight) : this.#sendAtRate(events, rate))
    const seconds = (performance.now() - started) / 1000
    const cpu = pids.reduce((sum, pid, index) => sum + cpuSeconds(pid) - (before[index] ?? 0), 0)
    const deliveries = events * readers
    return {
      peer: this.#peer.name,
      'CPU s / million': (cpu / deliveries) * 1e6,
      'deliveries/s': deliveries / seconds,
      'p50 ms': percentile(this.#latencies, 0.5),
      'p99 ms': percentile(this.#latencies, 0.99),
      'max ms': percentile(this.#latencies, 1),
      faults: this.#faults,
    }
  }

  #send(events: number, inFlight: number): Promise<void> {
    const target = this.#finished + events
    let left = events
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onFinished = () => {
      if (left > 0) {
        left--
        this.#publish()
      } else if (this.#finished >= target) resolve()
    }
    for (let first = Math.min(inFlight, events); first > 0; first--) {
      left--
      this.#publish()
    }
    return promise
  }

  #sendAtRate(events: number, rate: number): Promise<void> {
    const target = this.#finished + events
    let left = events
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setInterval(() => {
      if (left-- > 0) this.#publish()
      else clearInterval(timer)
    }, 1000 / rate)
    this.#onFinished = () => {
      if (this.#finished >= target) resolve()
    }
    return promise
  }

  end(): void {
    for (const reader of this.#readers) reader.end()
  }
}
