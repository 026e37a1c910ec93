import { v7 as uuid } from 'uuid'
import type { AgentState, Time } from '#src/domain/agent.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import { notFound, SignalboxError } from '#src/domain/errors.ts'
import type { Actor } from '#src/domain/events.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import type { SpawnParents } from '#src/domain/spawn.ts'
import { lockAgentTypes } from '#src/store/agent-types.ts'
import type { Transaction } from '#src/store/database.ts'
import type { LoggedEvent } from '#src/store/events.ts'
import { enterSpawning } from '#src/store/projects.ts'
import { UnitOfWork } from './unit-of-work.ts'

type Target = {
  project_id: string
  actor: Actor
  /** Set by the queue: the trace of this one among those that share a transaction. */
  traceparent?: string | undefined
}
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

/** Takes one change or spawn; resolves once it is committed, or is part of the caller's transaction. */
export type Writes = { submit(request: WriteRequest): Promise<AgentState> }

export type Settled = { agent: AgentState } | { error: unknown }

/** Decides and writes requests in the caller's transaction, each with its own answer or its own refusal. */
export async function writeBatch(
  sql: Transaction,
  requests: readonly WriteRequest[],
  now: Time,
): Promise<{ settled: Settled[]; events: readonly LoggedEvent[] }> {
  const work = new UnitOfWork(sql, now)
  const spawns = requests.filter(isSpawn)
  const changes = requests.filter((request): request is ChangeRequest => !isSpawn(request))
  // In this order, and in one round trip.
  const [, types] = await Promise.all([
    enterSpawning(sql, distinct(spawns.map((spawn) => spawn.project_id))),
    lockAgentTypes(sql, distinct(spawns.map((spawn) => spawn.agent_type_id))),
    work.lockAgents(changes),
    work.readSignals(distinct(changes.flatMap(({ signal_ids = [] }) => signal_ids))),
    work.lockProjects(distinct(requests.map((request) => request.project_id))),
  ])
  const settled = requests.map((request) => decideOne(work, types, { request, now }))
  return { settled, events: work.flush() }
}

/** Few changes issue a signal: the others need no id for one. */
class LazyContext implements DecisionContext {
  readonly actor: Actor
  readonly now: Time
  #signal_id: string | undefined

  constructor(actor: Actor, now: Time) {
    this.actor = actor
    this.now = now
  }

  get signal_id(): string {
    this.#signal_id ??= uuid()
    return this.#signal_id
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
  const context = new LazyContext(request.actor, now)
  const decided = request.decide(agent, context, (id) => work.signal(agent.id, id))
  return decided ? work.apply(decided, request.actor, request.traceparent) : agent
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
  const decided = request.decide_spawn({ project, agent_type }, { id: uuid(), now })
  return work.apply(decided, request.actor, request.traceparent)
}

function isSpawn(request: WriteRequest): request is SpawnRequest {
  return 'decide_spawn' in request
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
