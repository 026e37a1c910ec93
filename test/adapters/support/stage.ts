import { afterAll, beforeAll, expect } from 'vitest'
import type { AgentRequest } from '../../../src/domain/request.ts'
import { backends } from '../../support/backends.ts'
import { addKey } from '../../support/cast.ts'
import { answerOf, eventually } from '../../support/eventually.ts'
import { type Agent, createFleet, type Fleet } from '../../support/rest.ts'
import { Stage } from '../../support/stage.ts'
import { type FakeModel, used } from './fake-model.ts'

type Signal = { id: string; outcome: string | null; delivered_at: string | null }
type Row = { group: string | null; tokens_used: number }

/** A server, the agents that programs register on it, and what operators do with them. */
export function useServer() {
  let stage: Stage | undefined
  let fleet: Fleet | undefined
  beforeAll(async () => {
    stage = await Stage.start(backends[0] as (typeof backends)[number])
    fleet = await createFleet(stage.superuser)
    await stage.superuser.post('/agent-types', { name: 'Releaser', slug: 'releaser' })
    const { key } = await addKey(stage.superuser, { role: 'runtime', project_id: fleet.project_id })
    process.env.SIGNALBOX_URL = stage.origins[0]
    process.env.SIGNALBOX_TOKEN = key
  })
  afterAll(() => stage?.stop())
  return () => new Operator(fleet as Fleet)
}

/** Who steers the one agent that is alive. */
export class Operator {
  readonly #fleet: Fleet
  #id = ''

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** Waits for the agent that a program registers. */
  async meet(): Promise<this> {
    const find = async () => {
      const { body } = await this.#fleet.rest.get<{ data: Agent[] }>(this.#fleet.agents)
      return body.data.find(({ status }) => status !== 'terminated')
    }
    this.#id = (await answerOf(find)).id
    return this
  }

  async read(): Promise<Agent> {
    return (await this.#fleet.rest.get<Agent>(this.#path)).body
  }

  async becomes(expected: Partial<Agent>): Promise<void> {
    const matches = async () => {
      const agent = await this.read()
      return Object.entries(expected).every(([field, value]) => agent[field as keyof Agent] === value)
    }
    await eventually(matches).catch(async () => expect(await this.read()).toMatchObject(expected))
  }

  async order(action: 'pause' | 'resume' | 'terminate', body?: object): Promise<void> {
    const { rest } = this.#fleet
    const answer =
      action === 'terminate'
        ? await rest.delete(this.#path)
        : await rest.post(`${this.#path}/${action}`, body)
    expect(answer.status).toBe(200)
  }

  async obeyed(): Promise<void> {
    await eventually(async () => (await this.read()).control?.state === 'done')
  }

  /** Sends a message; resolves when the runtime has it, with how that acknowledges it. */
  async tell(text: string): Promise<() => Promise<string>> {
    const body = { kind: 'message', payload: { text } }
    const { id } = (await this.#fleet.rest.post<Signal>(`${this.#path}/signals`, body)).body
    const find = async () => {
      const { data } = (await this.#fleet.rest.get<{ data: Signal[] }>(`${this.#path}/signals`)).body
      return data.find((signal) => signal.id === id)
    }
    await eventually(async () => (await find())?.delivered_at != null)
    return () => answerOf(async () => (await find())?.outcome ?? undefined)
  }

  /** The one open request, once there is one. */
  asked(): Promise<AgentRequest> {
    const path = `${this.#requests}?state=open&agent_id=${this.#id}`
    return answerOf(async () => (await this.#fleet.rest.get<{ data: AgentRequest[] }>(path)).body.data[0])
  }

  async answer({ id }: AgentRequest, body: object): Promise<void> {
    expect((await this.#fleet.rest.post(`${this.#requests}/${id}/answer`, body)).status).toBe(200)
  }

  /** Everything that was used in the project, by model. */
  async usage(): Promise<Row[]> {
    const path = `/projects/${this.#fleet.project_id}/usage?group_by=model`
    return (await this.#fleet.rest.get<{ data: Row[] }>(path)).body.data.filter(
      ({ tokens_used }) => tokens_used > 0,
    )
  }

  get #path(): string {
    return `${this.#fleet.agents}/${this.#id}`
  }

  get #requests(): string {
    return `/projects/${this.#fleet.project_id}/requests`
  }
}

/** The usage of as many answers of the fake model. */
export function usageOf(model: FakeModel) {
  const answers = model.answered
  return {
    tokens_used: answers * (used.input + used.output),
    input_tokens: answers * used.input,
    output_tokens: answers * used.output,
    cache_read_input_tokens: answers * used.cached,
    reasoning_output_tokens: answers * used.reasoning,
  }
}
