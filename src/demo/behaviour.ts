import { randomUUID } from 'node:crypto'
import { exceededLimit } from '#src/domain/budget.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { addMoney } from '#src/domain/money.ts'
import * as cast from './cast.ts'
import { between, pick, pickWeighted } from './chance.ts'
import type { Agent, Handle } from './fleet.ts'

/** Something that may happen to an agent; without `make` nothing does, this time. */
type Move = {
  weight: number
  applies?: (agent: Agent) => boolean
  make?: (handle: Handle) => Promise<unknown>
}

const isOverBudget = (agent: Agent) => exceededLimit(agent) !== undefined
/** A pause with a timer ends by itself; an operator steps in only after that. */
const mayResume = (agent: Agent) =>
  !isOverBudget(agent) && !(agent.control?.resume_at && Date.parse(agent.control.resume_at) > Date.now())

const moves = {
  idle: [
    { weight: 97, make: startTask },
    { weight: 2, make: pauseByHand },
    { weight: 1, make: end },
  ],
  working: [
    { weight: 66, make: useTokens },
    { weight: 16, make: finishTask },
    { weight: 12, make: waitForSomething },
    { weight: 5, make: pauseByHand },
    { weight: 1, make: end },
  ],
  waiting: [
    { weight: 80, make: goOn },
    { weight: 20, make: giveUp },
  ],
  paused: [
    { weight: 40, applies: mayResume, make: resumeByHand },
    { weight: 20, applies: isOverBudget, make: raiseLimits },
    { weight: 3, applies: isOverBudget, make: end },
    { weight: 60 },
  ],
  terminated: [],
} as const satisfies Record<AgentStatus, readonly Move[]>

/** Lets one thing happen to an agent, as likely as the table says. Resolves with whether it was anything. */
export async function makeMove(handle: Handle): Promise<boolean> {
  const possible: readonly Move[] = moves[handle.agent.status]
  const move = pickWeighted(possible.filter(({ applies }) => applies?.(handle.agent) ?? true))
  await move?.make?.(handle)
  return move?.make !== undefined
}

/** Counters are absolute in an update: what was there, and what came on top. */
function spend({ tokens_used, cost_incurred }: Agent) {
  const tokens = between(300, 6_000)
  const dollars = (tokens * 0.000_008).toFixed(4)
  return { tokens_used: tokens_used + tokens, cost_incurred: addMoney(cost_incurred, dollars) }
}

function startTask({ update }: Handle) {
  const current_task = pick(cast.tasks)
  return update({
    status: 'working',
    current_task,
    session_id: randomUUID(),
    short_term_memory: { task: current_task, steps: [] },
  })
}

function useTokens({ agent, update }: Handle) {
  return update({ ...spend(agent), last_activity_at: new Date().toISOString() })
}

function finishTask({ agent, update }: Handle) {
  const tasks_completed = agent.tasks_completed + 1
  return update({ ...spend(agent), status: 'idle', current_task: null, session_id: null, tasks_completed })
}

function waitForSomething({ update }: Handle) {
  return update({ status: 'waiting' })
}

function goOn({ update }: Handle) {
  return update({ status: 'working' })
}

function giveUp({ update }: Handle) {
  return update({ status: 'idle', current_task: null, session_id: null })
}

function pauseByHand({ act }: Handle) {
  const with_timer = between(1, 3) === 1
  return act('pause', {
    reason: pick(cast.pauseReasons),
    ...(with_timer && { resume_after: between(5, 20) }),
  })
}

function resumeByHand({ act }: Handle) {
  return act('resume', { reason: 'Looked at it' })
}

/** Nobody resumes an agent that is over its limit, so the limit goes up first, in the same update. */
function raiseLimits({ agent, update }: Handle) {
  const { token_limit, tokens_used, cost_limit, cost_incurred } = agent
  return update({
    ...(token_limit !== null && { token_limit: tokens_used + between(10, 60) * 1_000 }),
    ...(cost_limit !== null && { cost_limit: addMoney(cost_incurred, (between(10, 60) / 100).toFixed(4)) }),
    status: 'idle',
  })
}

function end({ terminate }: Handle) {
  return terminate(pick(cast.endReasons))
}
