import { type Frame, Watcher } from './watcher.ts'

/** A runtime's socket: attaches, reports and acknowledges by hand. */
export class RuntimeSocket extends Watcher {
  attach(agent_id: string): Promise<Frame> {
    return this.ask({ type: 'attach', agent_id }, 'attached')
  }

  /** The answer, which may be a refusal. */
  register(message: object): Promise<Frame> {
    return this.answer({ type: 'register', ...message })
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

  /** The answers to messages that are sent at once. */
  async answers(messages: readonly object[]): Promise<Frame[]> {
    const ids = messages.map(() => `q${++RuntimeSocket.#questions}`)
    messages.forEach((message, n) => {
      this.send({ ...message, id: ids[n] })
    })
    const answered = () => this.frames.filter(({ id }) => ids.includes(id as string))
    const ended = await this.until(() => answered().length >= ids.length, 20_000)
    if (ended !== undefined) throw new Error(`${answered().length} of ${ids.length} answers: ${ended}`)
    return ids.map((own) => answered().find(({ id }) => id === own) as Frame)
  }

  static #questions = 0
}
