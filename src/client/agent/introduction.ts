import type { Outgoing } from '#src/client/connection/socket.ts'

/** What a runtime calls itself; a test compares the version with the package's. */
const PROGRAM = 'signalbox-js/0.1.0'

/** An agent that introduces itself: the server finds it by `external_id`, or else spawns it from the rest. */
export type Registration = {
  /** The agent's name in its own world: a deployment, a thread, a job. Unique among the live agents of a project. */
  external_id: string
  /** The name that people see. */
  name: string
  /** The slug or the id of its type. */
  agent_type: string
  /** Not needed with a key of one project, or with an agent's token. */
  project_id?: string | undefined
  /** Merged into those of an agent that is found. */
  labels?: Record<string, string> | undefined
  /** The agent that started this one. */
  parent_id?: string | null | undefined
  token_limit?: number | null | undefined
  cost_limit?: string | number | null | undefined
}

/** Which agent: one that was spawned before, or one that introduces itself. */
export type Identity = { agent_id: string } | (Registration & { agent_id?: undefined })

/** What a runtime says of itself. */
export type SelfDescription = {
  /**
   * What the runtime can do. `interrupt` is added when the loop first asks for `interruptSignal`; named here, operators see
   * it from the start.
   */
  capabilities?: readonly string[] | undefined
  /** The framework on top of this client, such as `langgraph/1.0`. */
  client?: string | undefined
}

type Frame = Extract<Outgoing, { type: 'attach' | 'register' }>

/** How a runtime asks for its agent: by its name, and by its id once that is known. */
export class Introduction {
  readonly #identity: Identity
  readonly #capabilities: Set<string>
  readonly #client: string
  #agent_id: string | undefined
  /** How many of the capabilities the server knows. */
  #announced = 0

  constructor(identity: Identity, { capabilities = [], client }: SelfDescription) {
    this.#identity = identity
    this.#capabilities = new Set(capabilities)
    this.#client = client === undefined ? PROGRAM : `${PROGRAM} ${client}`
    this.#agent_id = identity.agent_id?.toLowerCase()
  }

  /** Undefined until the server has said it. */
  get agent_id(): string | undefined {
    return this.#agent_id
  }

  /** The key on a connection while the id is unknown. No id looks like this. */
  get name(): string {
    if (this.#identity.agent_id !== undefined) return this.#identity.agent_id
    const { project_id, external_id } = this.#identity
    return `external_id ${external_id}${project_id === undefined ? '' : ` of ${project_id}`}`
  }

  /** The server's answer; true if it is another agent than before. */
  found(agent_id: string): boolean {
    const isOther = this.#agent_id !== undefined && this.#agent_id !== agent_id
    this.#agent_id = agent_id
    return isOther
  }

  /** Says more of the runtime with the next frame. */
  add(capability: string): void {
    this.#capabilities.add(capability)
  }

  get hasNews(): boolean {
    return this.#capabilities.size > this.#announced
  }

  /** By its name, unless only the agent known so far will do. `isBare`: without what servers of 0.1 do not know. */
  write({ by_id, isBare = false }: { by_id: boolean; isBare?: boolean }): Frame {
    this.#announced = this.#capabilities.size
    const self = isBare ? {} : { capabilities: [...this.#capabilities], client: this.#client }
    const { agent_id } = this
    if (this.#identity.agent_id !== undefined || (by_id && agent_id)) {
      return { type: 'attach', agent_id, ...self }
    }
    // Field by field: the options of a call also have the token.
    const { external_id, name, agent_type, project_id, labels } = this.#identity
    const { parent_id, token_limit } = this.#identity
    const cost_limit = this.#identity.cost_limit?.toString()
    const agent = { external_id, name, agent_type, project_id, labels, parent_id, token_limit, cost_limit }
    return { type: 'register', ...agent, ...self }
  }
}
