import { v7 as uuid } from 'uuid'
import type { ActiveHolds } from '#src/domain/active-holds.ts'
import type { Actor } from '#src/domain/actor.ts'
import type { AgentState } from '#src/domain/agent.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import { notFound, SignalboxError } from '#src/domain/errors.ts'
import type { OpenRequest, RequestRecord } from '#src/domain/request.ts'
import type { SignalRecord } from '#src/domain/signal.ts'
import { assertBelowLimit, type SpawnParents } from '#src/domain/spawn.ts'
import type { Time } from '#src/domain/time.ts'
import { type AgentTypeKey, type AgentTypes, lockAgentTypes } from '#src/store/agent-types.ts'
import type { AgentToLock } from '#src/store/agents.ts'
import { lostRace } from '#src/store/failures.ts'
import { shareSpawnLock } from '#src/store/projects.ts'
import { listOpenRequests, type RequestKey } from '#src/store/requests.ts'
import { BudgetBook } from './budget-book.ts'
import { NameMoved, Names } from './names.ts'
import type { UnitOfWork } from './unit-of-work.ts'

type Target = {
  project_id: string
  actor: Actor
  /** Set by the queue: the trace of this one among those that share a transaction. */
  traceparent?: string | undefined
  /** Gets the agent's open requests as they are after the decisions. Called again with each repeat of the transaction. */
  listOpen?: (requests: readonly OpenRequest[]) => void
}
/** Finds what the request has named. */
export type Find = {
  signal: (id: string) => SignalRecord | undefined
  request: (key: RequestKey) => RequestRecord | undefined
}

/** `decide` sees the agent under its lock; undefined leaves the agent unchanged, without an event. */
export type ChangeRequest = Target & {
  agent_id: string
  /** The agent that the request resolves with then has an empty memory. */
  ignores_memory?: boolean
  /** It may raise counters, which are added to budgets. */
  spends?: boolean
  /** It may change labels, so an order for agents with certain labels and this one exclude each other. */
  relabels?: boolean
  /** Signals that the decision reads. */
  signal_ids?: readonly string[]
  /** Requests of the agent that the decision reads. */
  request_keys?: readonly RequestKey[]
  /** A name that the decision may give to the agent. */
  external_id?: string | null | undefined
  /** A transaction that is repeated calls it again; the last call counts. */
  decide: (agent: AgentState, context: DecisionContext, find: Find) => Change | undefined
}

export type SpawnRequest = Target & {
  agent_type: AgentTypeKey
  external_id: string | null
  parent_id: string | null
  decide_spawn: (parents: SpawnParents, context: DecisionContext & { id: string }) => Change
}

/** Attaches the agent that has the name, or a new one. */
export type RegisterRequest = SpawnRequest & {
  external_id: string
  /** Undefined: it takes a new one. */
  decide_found: (holder: AgentState | undefined, context: DecisionContext) => Change | undefined
  decide_attach: (spawned: AgentState, now: Time) => Change
}

export type WriteRequest = ChangeRequest | SpawnRequest | RegisterRequest

/** Resolves once the change or spawn is committed, or is part of the caller's transaction. */
export type Writes = { submit(request: WriteRequest): Promise<AgentState> }

/** `moved`: the request has to be decided again, since its name has passed to another agent. */
export type Settled = { agent: AgentState } | { error: unknown } | { moved: true }

/** The agent that the only request of a batch resolves with. Throws its refusal, or what repeats the transaction. */
export function agentOf([settled]: readonly Settled[]): AgentState {
  if (settled && 'agent' in settled) return settled.agent
  throw settled && 'error' in settled ? settled.error : lostRace()
}

type Batch = { work: UnitOfWork; types: AgentTypes; names: Names; budgets: BudgetBook }

/** Decides and writes requests in the caller's transaction. Each gets its own answer or refusal. */
export async function writeBatch(work: UnitOfWork, requests: readonly WriteRequest[]): Promise<Settled[]> {
  const { sql } = work
  const spawns = requests.filter(isSpawn)
  const changes = requests.filter((request): request is ChangeRequest => !isSpawn(request))
  const wanted = requests.flatMap(({ project_id, external_id }) =>
    external_id == null ? [] : { project_id, external_id },
  )
  const spawning = distinct(spawns.map((spawn) => spawn.project_id))
  const names = new Names(work)
  const budgets = new BudgetBook(work)
  // Sent in this order, which is that of the locks, in one round trip.
  const [, types] = await Promise.all([
    shareSpawnLock(sql, distinct(requests.filter(entersFleet).map((request) => request.project_id))),
    lockAgentTypes(
      sql,
      spawns.map((spawn) => spawn.agent_type),
    ),
    work.lockAgents([...changes, ...spawns.flatMap((spawn) => toParentKey(spawn) ?? [])], wanted),
    work.readSignals(distinct(changes.flatMap(({ signal_ids = [] }) => signal_ids))),
    work.readRequests(changes.flatMap(({ request_keys = [] }) => request_keys)),
    work.lockProjects(distinct(requests.map((request) => request.project_id))),
    names.read(wanted),
  ])
  await work.countLiveAgents(spawning)
  // Only new labels can take an agent out of a hold.
  await work.holds.readRunningParents([
    ...changes.flatMap((request) => (request.relabels ? (work.find(request) ?? []) : [])),
    ...requests.flatMap((request) => (isRegister(request) ? (names.known(request) ?? []) : [])),
  ])
  await budgets.read(changes.filter(({ spends }) => spends))
  const settled = requests.map((request) => decideOne({ work, types, names, budgets }, request))
  budgets.write()
  await listRequests(work, requests, settled)
  return settled
}

function toParentKey({ parent_id, project_id }: SpawnRequest): AgentToLock | undefined {
  return parent_id === null ? undefined : { agent_id: parent_id, project_id, ignores_memory: true }
}

/** Most agents have no open requests; those of the others are read together, once the decisions are written. */
async function listRequests(
  work: UnitOfWork,
  requests: readonly WriteRequest[],
  settled: readonly Settled[],
): Promise<void> {
  const wanted = requests.flatMap(({ listOpen }, index) => {
    const { agent } = { agent: undefined, ...settled[index] }
    return agent && listOpen ? { agent, listOpen } : []
  })
  const ids = wanted.flatMap(({ agent }) => (agent.open_requests > 0 ? agent.id : []))
  if (ids.length > 0) await work.write()
  const open = ids.length > 0 ? await listOpenRequests(work.sql, ids) : undefined
  for (const { agent, listOpen } of wanted) listOpen(open?.get(agent.id) ?? [])
}

/** Makes an id only for the few changes that issue a signal. */
export class LazyContext implements DecisionContext {
  readonly actor: Actor
  readonly now: Time
  readonly holds: ActiveHolds
  readonly isRunning: (agent_id: string) => boolean
  #signal_id: string | undefined

  constructor(actor: Actor, { now, holds }: Pick<UnitOfWork, 'now' | 'holds'>, project_id: string) {
    this.actor = actor
    this.now = now
    this.holds = holds.of(project_id)
    this.isRunning = (agent_id) => holds.isRunning(agent_id)
  }

  get signal_id(): string {
    this.#signal_id ??= uuid()
    return this.#signal_id
  }
}

function decideOne(batch: Batch, request: WriteRequest): Settled {
  try {
    return { agent: decide(batch, request) }
  } catch (error) {
    if (error instanceof NameMoved) return { moved: true }
    if (error instanceof SignalboxError) return { error }
    throw error
  }
}

function decide(batch: Batch, request: WriteRequest): AgentState {
  if (isRegister(request)) return register(batch, request)
  return isSpawn(request) ? spawn(batch, request) : change(batch, request)
}

function change({ work, names, budgets }: Batch, request: ChangeRequest): AgentState {
  const agent = work.agent(request)
  const context = new LazyContext(request.actor, work, request.project_id)
  const find = {
    signal: (id: string) => work.signal(agent.id, id),
    request: (key: RequestKey) => work.request(key),
  }
  const decided = request.decide(agent, context, find)
  if (!decided) return agent
  names.pass(agent, decided.agent, request)
  const after = work.apply(decided, request.actor, request.traceparent)
  if (!request.spends) return after
  return budgets.charge(agent, after, {
    ...request,
    context: new LazyContext(request.actor, work, request.project_id),
  })
}

function spawn({ work, types, names }: Batch, request: SpawnRequest): AgentState {
  const { project_id, agent_type: key, actor, traceparent } = request
  const project = work.project(project_id)
  if (!project) throw notFound.project(project_id)
  const agent_type = types.find(key)
  if (!agent_type) throw notFound.agent_type('slug' in key ? key.slug : key.id)
  const parentKey = toParentKey(request)
  const parent = parentKey && work.find(parentKey)
  const holds = work.holds.of(project_id)
  const context = { id: uuid(), actor, now: work.now, signal_id: uuid(), holds }
  const decided = request.decide_spawn({ project, agent_type, parent }, context)
  assertBelowLimit(project)
  names.pass(undefined, decided.agent, request)
  if (parent && !parent.has_children) work.apply({ agent: { ...parent, has_children: true } }, actor)
  return work.apply(decided, actor, traceparent)
}

function register(batch: Batch, request: RegisterRequest): AgentState {
  const { work, names } = batch
  const { actor, traceparent } = request
  const context = new LazyContext(actor, work, request.project_id)
  const found = request.decide_found(names.holder(request), context)
  if (found) {
    const agent = work.apply(found, actor, traceparent)
    // Its descendants are not locked: they follow in transactions of their own.
    if (found.next) work.holds.followedBy(agent)
    return agent
  }
  return work.apply(request.decide_attach(spawn(batch, request), work.now), actor, traceparent)
}

/** Whether an order for a fleet that is under way could miss its agent. */
function entersFleet(request: WriteRequest): boolean {
  return isSpawn(request) || request.relabels === true
}

function isSpawn(request: WriteRequest): request is SpawnRequest {
  return 'decide_spawn' in request
}

function isRegister(request: WriteRequest): request is RegisterRequest {
  return 'decide_found' in request
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)]
}
