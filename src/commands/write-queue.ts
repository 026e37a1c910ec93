import { v7 as uuid } from 'uuid'
import type { Bus } from '#src/bus/bus.ts'
import type { AgentState, Time } from '#src/domain/agent.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import { notFound, SignalboxError } from '#src/domain/errors.ts'
import type { Actor } from '#src/domain/events.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import type { SpawnParents } from '#src/domain/spawn.ts'
import { lockAgentTypes } from '#src/store/agent-types.ts'
import type { Database } from '#src/store/database.ts'
import { isUnavailable } from '#src/store/failures.ts'
import { UnitOfWork } from './unit-of-work.ts'

type Target = { project_id: string; actor: Actor }

type FindSignal = (id: string) => SignalRecord | undefined

/** Decides against the agent as it is when it is written; undefined leaves it as it is, without an event. */
export type ChangeRequest = Target & {
  agent_id: string
  /** Kept signals that the decision is about. */
  signal_ids?: readonly string[]
  /** May be called again, when its transaction is: the last call is the one that counts. */
  decide: (agent: AgentState, context: DecisionContext, findSignal: FindSignal) => Change | undefined
}

export type SpawnRequest = Target & {
  agent_type_id: string
  decide_spawn: (parents: SpawnParents, context: { id: string; now: Time }) => Change
}

export type WriteRequest = ChangeRequest | SpawnRequest

type Settled = { agent: AgentState } | { error: unknown }
type Waiting = { request: WriteRequest; settle: (settled: Settled) => void }

const MAX_JOINED = 64
/** Transactions under way at once; a project is in one at a time, so a blocked one holds up only itself. */
const MAX_UNDER_WAY = 4

/**
 * Joins the writers of one process: while a project's transaction is under way, its next requests gather and
 * go as one. Nobody waits on purpose, and each request gets its own answer or its own error.
 */
export class WriteQueue {
  readonly #database: Database
  readonly #bus: Bus
  readonly #clock: () => Time
  /** By project, in the order in which they came; a project that is under way is in `#busy`. */
  readonly #waiting = new Map<string, Waiting[]>()
  readonly #busy = new Set<string>()
  #underWay = 0

  constructor(database: Database, bus: Bus, clock: () => Time) {
    this.#database = database
    this.#bus = bus
    this.#clock = clock
  }

  /** One change or spawn, committed with its event. Rejects with its refusal, or the database's failure. */
  submit(request: WriteRequest): Promise<AgentState> {
    return new Promise((resolve, reject) => {
      const settle = (settled: Settled) =>
        'error' in settled ? reject(settled.error) : resolve(settled.agent)
      const queue = this.#waiting.get(request.project_id)
      if (queue) queue.push({ request, settle })
      else this.#waiting.set(request.project_id, [{ request, settle }])
      this.#next()
    })
  }

  #next(): void {
    while (this.#underWay < MAX_UNDER_WAY) {
      const batch = this.#take()
      if (batch.length === 0) return
      const projects = new Set(batch.map(({ request }) => request.project_id))
      for (const id of projects) this.#busy.add(id)
      this.#underWay++
      void this.#process(batch).finally(() => {
        this.#underWay--
        for (const id of projects) this.#busy.delete(id)
        this.#next()
      })
    }
  }

  #take(): Waiting[] {
    const batch: Waiting[] = []
    for (const [project_id, queue] of this.#waiting) {
      if (batch.length >= MAX_JOINED) break
      if (this.#busy.has(project_id)) continue
      batch.push(...queue.splice(0, MAX_JOINED - batch.length))
      if (queue.length === 0) this.#waiting.delete(project_id)
    }
    return batch
  }

  async #process(batch: readonly Waiting[]): Promise<void> {
    try {
      const settled = await this.#commit(batch.map(({ request }) => request))
      batch.forEach(({ settle }, index) => {
        settle(settled[index] as Settled)
      })
    } catch (error) {
      // The database refused the whole: alone, each gets what is its own. Nothing of it was committed,
      // unless the connection broke, and then there is nobody to ask again.
      if (batch.length === 1 || isUnavailable(error)) {
        for (const { settle } of batch) settle({ error })
      } else for (const one of batch) await this.#process([one])
    }
  }

  async #commit(requests: readonly WriteRequest[]): Promise<Settled[]> {
    const { settled, events } = await this.#database.transaction(async (sql) => {
      const now = this.#clock()
      const work = new UnitOfWork(sql, now)
      const spawns = requests.filter(isSpawn)
      const types = await lockAgentTypes(sql, distinct(spawns.map((spawn) => spawn.agent_type_id)))
      const changes = requests.filter((request): request is ChangeRequest => !isSpawn(request))
      await work.lockAgents(changes)
      await work.readSignals(distinct(changes.flatMap(({ signal_ids = [] }) => signal_ids)))
      await work.lockProjects(distinct(spawns.map((spawn) => spawn.project_id)))
      const decided = requests.map((request) => decideOne(work, types, { request, now }))
      return { settled: decided, events: await work.flush() }
    })
    for (const event of events) this.#bus.publish(event)
    return settled
  }
}

type Types = Awaited<ReturnType<typeof lockAgentTypes>>

function decideOne(
  work: UnitOfWork,
  types: Types,
  { request, now }: { request: WriteRequest; now: Time },
): Settled {
  try {
    return { agent: isSpawn(request) ? spawn(work, types, { request, now }) : change(work, { request, now }) }
  } catch (error) {
    if (error instanceof SignalboxError) return { error }
    throw error
  }
}

function change(work: UnitOfWork, { request, now }: { request: ChangeRequest; now: Time }): AgentState {
  const agent = work.agent(request)
  const context = { actor: request.actor, now, signal_id: uuid() }
  const decided = request.decide(agent, context, (id) => work.signal(agent.id, id))
  return decided ? work.apply(decided, request.actor) : agent
}

function spawn(
  work: UnitOfWork,
  types: Types,
  { request, now }: { request: SpawnRequest; now: Time },
): AgentState {
  const project = work.project(request.project_id)
  if (!project) throw notFound.project(request.project_id)
  const agent_type = types.get(request.agent_type_id)
  if (!agent_type) throw notFound.agent_type(request.agent_type_id)
  return work.apply(request.decide_spawn({ project, agent_type }, { id: uuid(), now }), request.actor)
}

function isSpawn(request: WriteRequest): request is SpawnRequest {
  return 'decide_spawn' in request
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
