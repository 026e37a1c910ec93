import * as v from 'valibot'
import { type Agent, type Api, type EventFrame, eachEvent } from '#src/client/rest/rest.ts'
import { eventNames } from '#src/domain/events.ts'
import { ObedienceTally, obedienceOf } from '#src/domain/obedience.ts'
import { field } from '#src/protocol/values.ts'
import { MAX_LISTED, MAX_NAMED, MAX_WAIT_SECONDS } from '../bounds.ts'
import { ToolError } from '../failure.ts'
import { readEnd } from '../reading.ts'
import { findAgent, findProject, readSome } from '../references.ts'
import { agent, defineTool, project, type Tool } from '../tool.ts'
import { eventRow, toEventRow } from '../views.ts'
import { order } from './orders.ts'

const timeout_seconds = v.optional(
  field(
    v.pipe(v.number(), v.minValue(0), v.maxValue(MAX_WAIT_SECONDS)),
    'How long to wait; call it again to wait longer',
  ),
  MAX_WAIT_SECONDS,
)

const knownEvents: ReadonlySet<string> = new Set(eventNames)

type Following = {
  api: Api
  project_id: string
  after: number
  timeout_seconds: number
  signal: AbortSignal
  /** True ends the wait. */
  note: (event: EventFrame) => boolean
}

/** Follows the log from `after`, until an event ends it (true) or the time is over (false). Fails when the call is cancelled. */
async function follow({
  api,
  project_id,
  after,
  timeout_seconds,
  signal,
  note,
}: Following): Promise<boolean> {
  const timeout = AbortSignal.timeout(timeout_seconds * 1_000)
  const following = api.with({ signal: AbortSignal.any([signal, timeout]) })
  try {
    for await (const event of eachEvent(following, project_id, { seq: after })) if (note(event)) return true
  } catch (error) {
    if (!timeout.aborted || signal.aborted) throw error
  }
  return false
}

const amount = v.number()
const obedience = v.object({
  all_obeyed: field(v.boolean(), 'Every one of them has done it'),
  timed_out: field(v.boolean(), 'Some had not answered when the time was over'),
  obeyed: amount,
  waiting: field(amount, 'Their runtimes are connected and have not acknowledged it yet'),
  failed: field(amount, 'Their runtimes say that they could not'),
  away: field(amount, 'Their runtimes are not connected; the next one gets the order'),
  superseded: field(amount, 'They have got another order since'),
  not_obeyed: field(
    v.array(v.object({ id: v.string(), name: v.string(), state: v.string() })),
    `The first ${MAX_LISTED} that have not`,
  ),
})

/** Which agents have obeyed, with the names of those that were seen. */
class Book {
  readonly tally = new ObedienceTally()
  readonly #names = new Map<string, string>()

  note(agent: Pick<Agent, 'id' | 'name' | 'control' | 'runtime'>, action = agent.control?.kind): void {
    if (!action) return
    this.#names.set(agent.id, agent.name)
    this.tally.note(agent.id, obedienceOf(agent, action))
  }

  toAnswer(expected: number): v.InferOutput<typeof obedience> {
    const { counts, size } = this.tally
    const not_obeyed = []
    for (const { id, state } of this.tally.others('obeyed')) {
      if (not_obeyed.length === MAX_LISTED) break
      not_obeyed.push({ id, name: this.#names.get(id) ?? id, state })
    }
    const unseen = Math.max(0, expected - size)
    const waiting = counts.waiting + unseen
    return {
      all_obeyed: counts.obeyed >= size + unseen,
      timed_out: waiting > 0,
      ...counts,
      waiting,
      not_obeyed,
    }
  }
}

/** The agents of the wait that have had an order. */
async function readOrdered(
  api: Api,
  project_id: string,
  named: readonly string[] | undefined,
): Promise<Agent[]> {
  if (named) return Promise.all(named.map((reference) => findAgent(api, project_id, reference)))
  const { items, isWhole } = await readSome<Agent>((page) => api.agents.list(project_id, page))
  if (isWhole) return items
  throw new ToolError(
    'The project has too many agents to ask each: pass the order that pause_agents, resume_agents or terminate_agents has answered',
  )
}

export const waitingTools: readonly Tool[] = [
  defineTool({
    name: 'wait_until_obeyed',
    title: 'Wait until agents have obeyed',
    description:
      'Wait until the runtimes of agents have confirmed their newest order. Pass the order of an answer, or agents; without both, it waits for all agents of the project. It answers early if no connected runtime is left to wait for.',
    effect: 'reads',
    input: v.strictObject({
      project,
      order: v.optional(order),
      agents: v.optional(
        field(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(MAX_NAMED)), 'By name or id'),
      ),
      timeout_seconds,
    }),
    output: obedience,
    async run({ api, project, signal }, { order, agents, timeout_seconds, ...input }) {
      if (order && agents) throw new ToolError('Pass order or agents, not both')
      const project_id = await findProject(api, input.project ?? project)
      const book = new Book()
      const expected = order?.affected_count ?? 0
      const isOver = () => book.tally.size >= expected && book.tally.counts.waiting === 0
      const after = order?.after_seq ?? (await readEnd(api, project_id))
      const asked = order ? [] : await readOrdered(api, project_id, agents)
      for (const one of asked) book.note(one)
      if (!isOver()) {
        const note = ({ agent, signal }: EventFrame) => {
          const isMeant = agent && (book.tally.has(agent.id) || (order && signal?.kind === order.action))
          if (isMeant) book.note(agent, order?.action)
          return isOver()
        }
        await follow({ api, project_id, after, timeout_seconds, signal, note })
      }
      return book.toAnswer(expected)
    },
  }),
  defineTool({
    name: 'wait_for_event',
    title: 'Wait for an event',
    description:
      'Wait for the next event of a project, or for the next of some names or of one agent. To miss none, pass next_after_seq of the answer before as after_seq.',
    effect: 'reads',
    input: v.strictObject({
      project,
      names: v.optional(
        field(
          v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(50)),
          'Such as agent.request_opened, agent.terminated or agent.budget_exceeded',
        ),
      ),
      agent: v.optional(agent),
      after_seq: v.optional(
        field(v.pipe(v.number(), v.integer(), v.minValue(0)), 'Also look at events after this seq'),
      ),
      timeout_seconds,
    }),
    output: v.object({
      event: v.nullable(eventRow),
      timed_out: v.boolean(),
      next_after_seq: field(v.number(), 'Where to read on'),
    }),
    async run({ api, project, signal }, { names, agent: reference, after_seq, timeout_seconds, ...input }) {
      const unknown = names?.find((name) => !knownEvents.has(name))
      if (unknown !== undefined) {
        throw new ToolError(
          `There is no event ${JSON.stringify(unknown)}: there are ${eventNames.join(', ')}`,
        )
      }
      const project_id = await findProject(api, input.project ?? project)
      const id = reference === undefined ? undefined : (await findAgent(api, project_id, reference)).id
      let next_after_seq = after_seq ?? (await readEnd(api, project_id))
      let found: EventFrame | undefined
      const note = (event: EventFrame) => {
        next_after_seq = event.seq
        const isNamed = names === undefined || names.includes(event.name)
        if (isNamed && (id === undefined || event.agent?.id === id)) found = event
        return found !== undefined
      }
      await follow({ api, project_id, after: next_after_seq, timeout_seconds, signal, note })
      return { event: found ? toEventRow(found) : null, timed_out: !found, next_after_seq }
    },
  }),
]
