import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import { type Sql, statement } from '#src/store/database.ts'
import { type Agent, type Fleet, type Rest, spawn } from './rest.ts'

/** What became of the writes of a load: the agents as they were answered, and the refusals by status. */
export type Answered = {
  agents: Agent[]
  statuses: Map<number, number>
  broken: number
  retryAfter: string[]
}

export async function spawnMany(fleet: Fleet, count: number, own: object = {}): Promise<Agent[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => spawn(fleet, { name: `agent ${index}`, ...own })),
  )
}

/** For $1 a project and $2 a type: $4 idle agents with the task $3, as if they had been spawned; no event tells of them. */
export const fillFleetText = `
  insert into agents (id, project_id, agent_type_id, name, current_task, short_term_memory, created_at, updated_at,
    agent_type_name, agent_type_slug, project_name, project_slug)
  select gen_random_uuid(), p.id, t.id, 'agent ' || n, $3::text, '{}', now(), now(), t.name, t.slug, p.name, p.slug
  from projects p, agent_types t, generate_series(1, $4::int) n where p.id = $1 and t.id = $2`
const fill = statement('test_fill_fleet', fillFleetText)

/** Puts agents into the database at once: for fleets that would take too long to spawn. */
export async function fillFleet(
  sql: Sql,
  { project_id, agent_type_id }: Fleet,
  { size, task = null }: { size: number; task?: string | null },
): Promise<void> {
  await sql.run(fill, [project_id, agent_type_id, task, size])
}

type Load = { rests: readonly Rest[]; fleet: Fleet; agents: readonly Agent[]; writers?: number }

/** Toggles agents between idle and working until `isDone`, each writer its own agents, one at a time. */
export async function toggleAgents(
  { rests, fleet, agents, writers = 8 }: Load,
  isDone: (written: number) => boolean,
): Promise<Answered> {
  const answered: Answered = { agents: [], statuses: new Map(), broken: 0, retryAfter: [] }
  let written = 0
  const write = async (writer: number) => {
    const own = agents.filter((_, index) => index % writers === writer)
    const known = new Map<string, AgentStatus>(own.map((agent) => [agent.id, agent.status]))
    for (let turn = 0; !isDone(written); turn++) {
      const { id } = own[turn % own.length] as Agent
      const rest = rests[(writer + turn) % rests.length] as Rest
      const status = known.get(id) === 'working' ? 'idle' : 'working'
      written++
      try {
        const answer = await rest.patch<Agent>(`${fleet.agents}/${id}`, { status })
        answered.statuses.set(answer.status, (answered.statuses.get(answer.status) ?? 0) + 1)
        if (answer.status === 200) {
          answered.agents.push(answer.body)
          known.set(id, answer.body.status)
        } else {
          const retry = answer.headers.get('retry-after')
          if (retry) answered.retryAfter.push(retry)
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      } catch {
        // The connection broke: the write may have happened or not. What it was is seen by asking.
        answered.broken++
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
  return answered
}

/** The whole log of a project, read page by page. */
export async function readLog(rest: Rest, project_id: string): Promise<AgentEventFrame[]> {
  const log: AgentEventFrame[] = []
  for (;;) {
    const { body } = await rest.get<{ data: AgentEventFrame[]; last_seq: number }>(
      `/projects/${project_id}/events?limit=1000&after=${log.length}`,
    )
    log.push(...body.data)
    if (log.length >= body.last_seq) return log
  }
}

/**
 * Checks a history: the log counts 1, 2, 3 …; it is a legal life of each agent, ending as REST shows it; each
 * answered change is in it once, as answered. Returns what is wrong.
 */
export function checkHistory(
  log: readonly AgentEventFrame[],
  answered: Answered,
  final: readonly Agent[],
): string[] {
  const faults: string[] = []
  const last = new Map<string, AgentEventFrame>()
  log.forEach((event, index) => {
    if (event.seq !== index + 1) faults.push(`seq ${event.seq} at place ${index + 1}`)
    const before = last.get(event.agent.id)
    if (event.from && event.from !== before?.agent.status) {
      faults.push(`seq ${event.seq} goes from ${event.from}, but the agent was ${before?.agent.status}`)
    }
    last.set(event.agent.id, event)
  })
  const seen = new Set<number>()
  for (const agent of answered.agents) {
    const event = log[agent.seq - 1]
    if (event?.agent.id !== agent.id || event.agent.status !== agent.status) {
      faults.push(`the answered change ${agent.seq} of ${agent.id} is not in the log`)
    }
    if (seen.has(agent.seq)) faults.push(`two answers name the change ${agent.seq}`)
    seen.add(agent.seq)
  }
  const unanswered = log.filter(
    (event) => event.name === 'agent.status_changed' && !seen.has(event.seq),
  ).length
  const uncertain =
    answered.broken + [...answered.statuses].reduce((sum, [code, n]) => sum + (code >= 500 ? n : 0), 0)
  if (unanswered > uncertain) faults.push(`${unanswered} changes that nobody asked for`)
  for (const { short_term_memory: _, ...agent } of final) {
    const event = last.get(agent.id)
    if (JSON.stringify(event?.agent) !== JSON.stringify(agent))
      faults.push(`${agent.id} is not as the log ends`)
  }
  return faults
}
