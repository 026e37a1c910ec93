import type { AgentRequest, OpenRequest } from '#src/domain/request.ts'
import { RuntimeSocket } from './runtime.ts'
import type { Frame } from './watcher.ts'

let counter = 0

/** A runtime of one agent, attached by hand, that asks people. */
export class Asker extends RuntimeSocket {
  readonly agent_id: string
  /** The open requests that the attach has found. */
  found: readonly OpenRequest[] = []

  constructor(url: string, token: string | undefined, agent_id: string) {
    super(url, { token })
    this.agent_id = agent_id
  }

  static async at(url: string, token: string | undefined, agent_id: string): Promise<Asker> {
    const asker = new Asker(url, token, agent_id)
    await asker.next('hello')
    await asker.again()
    return asker
  }

  /** Attaches once more. */
  async again(): Promise<void> {
    const attached = await this.answer({ type: 'attach', agent_id: this.agent_id })
    if (attached.type !== 'attached') throw new Error(JSON.stringify(attached))
    this.found = attached.open_requests
  }

  /** The answer to a question, or the refusal. */
  question(own: object = {}): Promise<Frame> {
    const { agent_id } = this
    const given = { request_id: `q${++counter}`, reason: 'confirmation', message: 'Go on?' }
    return this.answer({ type: 'request', agent_id, ...given, ...own })
  }

  /** Asks, and returns the request. */
  async open(own: object = {}): Promise<AgentRequest> {
    const requested = await this.question(own)
    if (requested.type !== 'requested') throw new Error(JSON.stringify(requested))
    return requested.request as AgentRequest
  }

  withdraw(request_id: string): Promise<Frame> {
    return this.answer({ type: 'withdraw', agent_id: this.agent_id, request_id })
  }
}
