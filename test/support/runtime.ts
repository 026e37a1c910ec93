import { type Frame, Watcher } from './watcher.ts'

/** A runtime's socket: attaches, reports and acknowledges by hand. */
export class RuntimeSocket extends Watcher {
  attach(agent_id: string): Promise<Frame> {
    return this.ask({ type: 'attach', agent_id }, 'attached')
  }

  report(agent_id: string, report: object): Promise<Frame> {
    return this.ask({ type: 'report', agent_id, ...report }, 'reported')
  }

  /** The next signal; other frames before it are passed over. */
  async signal(): Promise<{ id: string; kind: string; attempt: number; payload: unknown; reason: unknown }> {
    return (await this.next('signal')).signal as never
  }

  acknowledge(agent_id: string, signal_id: string, outcome = 'done'): Promise<Frame> {
    return this.ask({ type: 'ack', agent_id, signal_id, outcome }, 'acknowledged')
  }

  /** The answer to a message, told by its id, whatever comes in between. */
  async answer(message: object): Promise<Frame> {
    const id = `q${++RuntimeSocket.#questions}`
    this.send({ ...message, id })
    return this.next((frame) => frame.id === id)
  }

  static #questions = 0
}
