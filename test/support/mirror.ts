import WebSocket from 'ws'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { ServerMessage } from '#src/protocol/messages/down.ts'
import type { EventFrame } from '#src/protocol/messages/event.ts'
import { EventReader } from './event-reader.ts'
import { listAgents } from './fleet-view.ts'
import { type Agent, type Fleet, Rest } from './rest.ts'

export type Held = Map<string, AgentSummary>
const BACK_MS = 30

export function summaryOf({ short_term_memory: _, ...summary }: Agent): AgentSummary {
  return summary
}

/** Somebody who keeps what a project's agents are, and comes back by itself. */
export type Mirror = {
  readonly name: string
  readonly held: ReadonlyMap<string, AgentSummary>
  leave(): void
  comeBack(): void
}

/** By hand over the WebSocket, sending `seq` and `epoch` back as it has them; or as one written before there were any. */
export class SocketMirror implements Mirror {
  readonly name: string
  readonly held: Held = new Map()
  readonly answers: Extract<ServerMessage, { type: 'subscribed' }>[] = []
  closes = 0
  #seq: number | undefined
  #epoch: number | undefined
  #socket: WebSocket | undefined
  #isAway = false
  readonly #fleet: Fleet
  readonly #url: string
  readonly #knowsEpochs: boolean

  constructor(
    name: string,
    fleet: Fleet,
    { url, knowsEpochs = true }: { url: string; knowsEpochs?: boolean },
  ) {
    this.name = name
    this.#fleet = fleet
    this.#url = url
    this.#knowsEpochs = knowsEpochs
    this.#connect()
  }

  #connect(): void {
    if (this.#isAway) return
    const headers = { authorization: `Bearer ${this.#fleet.rest.token}` }
    const socket = new WebSocket(this.#url, ['signalbox.v1'], { headers })
    this.#socket = socket
    const { project_id } = this.#fleet
    const [after, epoch] = [this.#seq, this.#knowsEpochs ? this.#epoch : undefined]
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', project_id, after, epoch })))
    socket.on('message', (data) => this.#take(JSON.parse(data.toString())))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closes++
      setTimeout(() => this.#connect(), BACK_MS)
    })
  }

  #take(frame: ServerMessage | EventFrame): void {
    if (frame.type === 'subscribed') {
      this.answers.push(frame)
      this.#epoch = frame.epoch
      if (!frame.resumed) this.held.clear()
      if (!frame.resumed) this.#seq = frame.seq
    } else if (frame.type === 'snapshot') for (const agent of frame.agents) this.held.set(agent.id, agent)
    else if (frame.type === 'event') {
      this.#seq = frame.seq
      if (frame.agent) this.held.set(frame.agent.id, frame.agent)
    } else if (frame.type === 'error') this.#socket?.terminate()
  }

  leave(): void {
    this.#isAway = true
    this.#socket?.terminate()
  }

  comeBack(): void {
    this.#isAway = false
    this.#connect()
  }
}

/** By server-sent events, with the last id as an EventSource sends it; a reset sends it to REST for the state. */
export class StreamMirror implements Mirror {
  readonly name: string
  readonly held: Held = new Map()
  #last: string | undefined
  #stream: EventReader | undefined
  #isAway = false
  readonly #fleet: Fleet
  readonly #origin: string

  constructor(name: string, fleet: Fleet, origin: string) {
    this.name = name
    this.#fleet = fleet
    this.#origin = origin
    void this.#follow()
  }

  async #follow(): Promise<void> {
    const url = `${this.#origin}/api/v1/projects/${this.#fleet.project_id}/events/stream`
    while (!this.#isAway) {
      try {
        const last = this.#last ?? '0'
        this.#stream = await EventReader.open(url, this.#fleet.rest.token, last)
        await this.#read(this.#stream)
      } catch {
        // The server is away: it is asked again.
      }
      await new Promise((resolve) => setTimeout(resolve, BACK_MS))
    }
  }

  async #read(stream: EventReader): Promise<void> {
    let isOver = false
    void stream.ended.then(() => {
      isOver = true
    })
    for (let taken = 0; !isOver; ) {
      await Promise.race([stream.until(({ length }) => length > taken), stream.ended])
      for (; taken < stream.events.length; taken++) {
        const { event, data, last_event_id } = stream.events[taken] as (typeof stream.events)[number]
        if (event === 'reset') await this.#refetch()
        else this.#take(JSON.parse(data))
        this.#last = last_event_id
      }
    }
  }

  /** What events before the reading told is in it already. */
  async #refetch(): Promise<void> {
    const agents = await listAgents(this.#fleet, Rest.at(this.#origin).as(this.#fleet.rest.token))
    this.held.clear()
    for (const agent of agents) this.held.set(agent.id, summaryOf(agent))
  }

  #take({ agent }: EventFrame): void {
    if (agent && agent.seq > (this.held.get(agent.id)?.seq ?? 0)) this.held.set(agent.id, agent)
  }

  leave(): void {
    this.#isAway = true
    this.#stream?.close()
  }

  comeBack(): void {
    this.#isAway = false
    void this.#follow()
  }
}
