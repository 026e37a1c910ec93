import { type Agent, createFleet, type Rest, spawn, unique } from '../support/rest.ts'

/** What a hostile request may name: the tokens of paths and bodies, each with a real resource. */
export type Place = Record<
  | 'project_id'
  | 'agent_id'
  | 'agent_type_id'
  | 'issue_id'
  | 'user_id'
  | 'key_id'
  | 'assigned_agent_id'
  | 'signal_id'
  | 'request_id',
  string
>

const COUNT = 6

/** Some projects with all that can be in one. They are used up, by deletion and the like, and made anew. */
export class Places {
  readonly #rest: Rest
  readonly #places: Place[] = []
  #next = 0

  private constructor(rest: Rest) {
    this.#rest = rest
  }

  static async create(rest: Rest): Promise<Places> {
    const places = new Places(rest)
    for (let count = 0; count < COUNT; count++) await places.renew()
    return places
  }

  at(number: number): Place {
    return this.#places[number % this.#places.length] as Place
  }

  /** Puts a new one in the place of the oldest. */
  async renew(): Promise<Place> {
    const rest = this.#rest
    const fleet = await createFleet(rest)
    const { project_id, agent_type_id } = fleet
    const { id: agent_id } = await spawn(fleet)
    const issue = await rest.post<Agent>(`/projects/${project_id}/issues`, {
      title: 'Points',
      assigned_agent_id: agent_id,
    })
    const user = await rest.post<Agent>('/users', {
      email: `${unique('user')}@example.org`,
      password: 'a long password',
    })
    const key = await rest.post<Agent>('/api-keys', { name: 'key', project_id, role: 'viewer' })
    const signal = await rest.post<Agent>(`${fleet.agents}/${agent_id}/signals`, {
      kind: 'message',
      payload: { a: 1 },
    })
    const request_id = unique('request')
    await rest.post(`${fleet.agents}/${agent_id}/requests`, {
      request_id,
      reason: 'input_required',
      message: 'Which one?',
    })
    const place: Place = {
      project_id,
      agent_type_id,
      agent_id,
      assigned_agent_id: agent_id,
      issue_id: issue.body.id,
      user_id: user.body.id,
      key_id: key.body.id,
      signal_id: signal.body.id,
      request_id,
    }
    this.#places[this.#next++ % COUNT] = place
    return place
  }
}
