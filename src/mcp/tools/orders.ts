import * as v from 'valibot'
import type { Agent, Api } from '#src/client/rest/rest.ts'
import { type ActionName, actionNames, actionRow, actions } from '#src/domain/actions.ts'
import { agentStatuses } from '#src/domain/lifecycle.ts'
import { field } from '#src/protocol/values.ts'
import { MAX_LISTED, MAX_NAMED } from '../bounds.ts'
import { ToolError } from '../failure.ts'
import { readEnd } from '../reading.ts'
import { findAgent, findProject, readSome } from '../references.ts'
import { defineTool, project, reason, type Tool, type ToolCall } from '../tool.ts'

/** An order that was given, as wait_until_obeyed takes it. */
export const order = v.object({
  action: v.picklist(actionNames),
  after_seq: field(v.pipe(v.number(), v.integer(), v.minValue(0)), 'The end of the log before the order'),
  affected_count: v.pipe(v.number(), v.integer(), v.minValue(0)),
})

const which = {
  project,
  agents: v.optional(
    field(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(MAX_NAMED)), 'Agents by name or id'),
  ),
  all: v.optional(field(v.literal(true), 'Every agent of the project that is not terminated')),
  selector: v.optional(
    field(
      // Without a term it would be every agent.
      v.pipe(v.string(), v.trim(), v.minLength(1, 'Must not be empty; all: true is every agent')),
      'Every agent with these labels, as in team=search,env!=prod,tier in (gold,silver)',
    ),
  ),
  status: v.optional(field(v.picklist(agentStatuses), 'Of those, only agents in this status')),
}
const cascade = v.optional(field(v.boolean(), 'Whether the agents that they started follow; true without it'))
const again = v.optional(
  field(v.boolean(), 'Sends the order again to agents that have it and have not obeyed'),
)

const given = v.object({
  message: v.string(),
  affected_count: field(v.number(), 'Agents that got the order, descendants included'),
  skipped: field(
    v.array(v.object({ id: v.string(), name: v.nullable(v.string()), message: v.string() })),
    `The first ${MAX_LISTED} agents that could not take it`,
  ),
  skipped_count: v.number(),
  order: field(order, 'Pass it to wait_until_obeyed'),
})

type Which = v.InferOutput<v.StrictObjectSchema<typeof which, undefined>>
type Chosen = { named: ReadonlyMap<string, string> | undefined; selector: string | undefined }

async function choose(api: Api, project_id: string, { agents, all, selector }: Which): Promise<Chosen> {
  const ways = [agents, all, selector].filter((way) => way !== undefined).length
  if (ways !== 1) throw new ToolError('Say which agents: exactly one of agents, selector, and all')
  if (!agents) return { named: undefined, selector }
  const named = new Map<string, string>()
  for (const reference of agents) {
    const { id, name } = await findAgent(api, project_id, reference)
    named.set(id, name)
  }
  return { named, selector: undefined }
}

type Order = {
  action: ActionName
  reason: string
  resume_after?: number | undefined
  mode?: 'checkpoint' | 'interrupt' | 'graceful' | 'now' | undefined
  cascade?: boolean | undefined
  again?: boolean | undefined
}

async function give(
  api: Api,
  project_id: string,
  { chosen: { named, selector }, status, order }: { chosen: Chosen; status: Which['status']; order: Order },
): Promise<v.InferOutput<typeof given>> {
  const after_seq = await readEnd(api, project_id)
  const ids = named && [...named.keys()]
  const which = ids ? { ids } : { all: true as const, selector }
  const { affected_count, skipped } = await api.agents.actOnMany(project_id, { ...order, ...which, status })
  const { past } = actionRow(order.action)
  const names = named ?? (skipped.length > 0 ? await readNames(api, project_id, selector) : undefined)
  const shown = skipped.slice(0, MAX_LISTED).map(({ id, message }) => {
    return { id, name: names?.get(id) ?? null, message }
  })
  if (named && affected_count === 0) {
    const why = shown.map(({ id, name, message }) => `${JSON.stringify(name ?? id)}: ${message}`)
    throw new ToolError(`No agent was ${past}: ${why.join('; ')}`)
  }
  const rest = skipped.length > 0 ? `, ${skipped.length} skipped` : ''
  const todo = affected_count > 0 ? '. Their runtimes may not have obeyed yet: use wait_until_obeyed' : ''
  return {
    message: `${countOf(affected_count)} ${past}${rest}${todo}`,
    affected_count,
    skipped: shown,
    skipped_count: skipped.length,
    order: { action: order.action, after_seq, affected_count },
  }
}

/** The order is given by then: names that cannot be read are left out. */
async function readNames(
  api: Api,
  project_id: string,
  selector: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const list = (page: { cursor: string; limit: number }) => api.agents.list(project_id, { ...page, selector })
  const { items } = await readSome<Agent>(list).catch(() => ({ items: [] }))
  return new Map(items.map(({ id, name }) => [id, name]))
}

function countOf(agents: number): string {
  return agents === 1 ? '1 agent' : `${agents} agents`
}

async function orderWith({ api, project }: ToolCall, input: Which, order: Order) {
  const project_id = await findProject(api, input.project ?? project)
  const chosen = await choose(api, project_id, input)
  return give(api, project_id, { chosen, status: input.status, order })
}

/** How many agents an order would end, not counting their descendants; and the names of those that were named. */
async function count(
  api: Api,
  project_id: string,
  { chosen: { named, selector }, status }: { chosen: Chosen; status: Which['status'] },
): Promise<number> {
  if (!named) {
    const { by_status, total_instances } = await api.agents.metrics(project_id, { selector })
    return status ? (by_status[status] ?? 0) : total_instances - (by_status.terminated ?? 0)
  }
  return named.size
}

export const orderTools: readonly Tool[] = [
  defineTool({
    name: 'pause_agents',
    title: 'Pause agents',
    description:
      'Pause agents by name or id, by labels, or all of a project, in one transaction. Agents that start later are not paused: place_hold also stops those.',
    effect: 'settles',
    input: v.strictObject({
      ...which,
      reason,
      mode: v.optional(
        field(
          v.picklist(actions.pause.modes),
          'checkpoint: at the next safe point; interrupt: in the middle of its work. checkpoint without it',
        ),
      ),
      resume_after: v.optional(
        field(
          v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2_592_000)),
          'Seconds after which they resume by themselves',
        ),
      ),
      cascade,
      again,
    }),
    output: given,
    run(call, { reason, mode, resume_after, cascade, again, ...input }) {
      return orderWith(call, input, { action: 'pause', reason, mode, resume_after, cascade, again })
    },
  }),
  defineTool({
    name: 'resume_agents',
    title: 'Resume agents',
    description: 'Let paused agents continue. One that a hold or a used-up limit stops stays paused.',
    effect: 'settles',
    input: v.strictObject({ ...which, reason, cascade }),
    output: given,
    run(call, { reason, cascade, ...input }) {
      return orderWith(call, input, { action: 'resume', reason, cascade })
    },
  }),
  defineTool({
    name: 'terminate_agents',
    title: 'Terminate agents',
    description:
      "End agents for good. This can't be undone, so ask the user first. Without confirm it does nothing and says how many agents it would end; call it again with that number.",
    effect: 'destroys',
    input: v.strictObject({
      ...which,
      reason,
      confirm: v.optional(
        field(v.pipe(v.number(), v.integer()), 'The number of agents, as a call without it has said'),
      ),
      mode: v.optional(
        field(
          v.picklist(actions.terminate.modes),
          'graceful: after the work in progress; now: at once. graceful without it',
        ),
      ),
      cascade,
      again,
    }),
    output: given,
    async run({ api, project }, { reason, confirm, mode, cascade, again, ...input }) {
      const project_id = await findProject(api, input.project ?? project)
      const chosen = await choose(api, project_id, input)
      const agents = await count(api, project_id, { chosen, status: input.status })
      if (confirm !== agents) {
        const names = [...(chosen.named?.values() ?? [])].map((name) => JSON.stringify(name))
        const which = names.length > 0 ? ` (${names.join(', ')})` : ''
        const followers = cascade === false ? '' : ' and all that they have started'
        throw new ToolError(
          `Nothing was done. This would terminate ${countOf(agents)}${which}${followers}, for good. ` +
            `If the user wants that, call it again with confirm: ${agents}`,
        )
      }
      const order: Order = { action: 'terminate', reason, mode, cascade, again }
      return give(api, project_id, { chosen, status: input.status, order })
    },
  }),
]
