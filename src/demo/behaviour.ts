import { randomUUID } from 'node:crypto'
import type { Report } from '#src/client/index.ts'
import { exceededLimit } from '#src/domain/budget.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import { addMoney } from '#src/domain/money.ts'
import * as cast from './cast.ts'
import { between, pick, pickWeighted } from './chance.ts'
import type { Agent, Handle } from './fleet.ts'
import { askPeople, mayAsk } from './questions.ts'

/** Something that may happen to an agent; without `make`, nothing happens in this turn. */
type Move = {
  weight: number
  applies?: (agent: Agent) => boolean
  make?: (handle: Handle) => Promise<unknown>
}

const isOverBudget = (agent: Agent) => exceededLimit(agent) !== undefined
/** A pause with a timer ends automatically; the operator resumes only after that. */
const mayResume = (agent: Agent) =>
  !isOverBudget(agent) && !(agent.control?.resume_at && Date.parse(agent.control.resume_at) > Date.now())

/** What a lead has started would end with it. */
const isNoLead = ({ labels }: Agent) => labels.role !== cast.lead.labels.role

/** An agent that waits for people continues when they have answered. */
const hasNoQuestion = ({ open_requests }: Agent) => open_requests === 0

const moves = {
  idle: [
    { weight: 97, make: startTask },
    { weight: 2, make: pauseByHand },
    { weight: 1, applies: isNoLead, make: end },
  ],
  working: [
    { weight: 66, make: useTokens },
    { weight: 16, make: finishTask },
    { weight: 12, make: waitForSomething },
    { weight: 2, applies: mayAsk, make: askPeople },
    { weight: 5, make: pauseByHand },
    { weight: 1, applies: isNoLead, make: end },
  ],
  waiting: [
    { weight: 80, applies: hasNoQuestion, make: goOn },
    { weight: 20, applies: hasNoQuestion, make: giveUp },
  ],
  paused: [
    { weight: 40, applies: mayResume, make: resumeByHand },
    { weight: 20, applies: isOverBudget, make: raiseLimits },
    { weight: 3, applies: (agent) => isOverBudget(agent) && isNoLead(agent), make: end },
    { weight: 60 },
  ],
  terminated: [],
} as const satisfies Record<AgentStatus, readonly Move[]>

/** Makes one move from the table, by its weights. Resolves with whether anything happened. */
export async function makeMove(handle: Handle): Promise<boolean> {
  const possible: readonly Move[] = moves[handle.agent.status]
  const move = pickWeighted(possible.filter(({ applies }) => applies?.(handle.agent) ?? true))
  await move?.make?.(handle)
  return move?.make !== undefined
}

/** The usage of one step of work. */
function spend() {
  const [input_tokens, output_tokens] = [between(250, 5_000), between(50, 1_000)]
  const { model, provider, price } = pick(cast.models)
  const cost_incurred = ((input_tokens + 5 * output_tokens) * price).toFixed(4)
  return { model, provider, input_tokens, output_tokens, cost_incurred }
}

/** A loop that was paused or terminated reports nothing. The answer is not awaited: the client keeps the order. */
async function report({ runtime }: Handle, what: Report): Promise<void> {
  if (!runtime.isPaused && !runtime.signal.aborted) void runtime.report(what)
}

function startTask(handle: Handle) {
  const current_task = pick(cast.tasks)
  return report(handle, {
    status: 'working',
    current_task,
    session_id: randomUUID(),
    short_term_memory: { task: current_task, steps: [] },
  })
}

function useTokens(handle: Handle) {
  return report(handle, { usage: spend() })
}

function finishTask(handle: Handle) {
  const usage = { ...spend(), tasks_completed: 1 }
  return report(handle, { usage, status: 'idle', current_task: null, session_id: null })
}

function waitForSomething(handle: Handle) {
  return report(handle, { status: 'waiting' })
}

function goOn(handle: Handle) {
  return report(handle, { status: 'working' })
}

function giveUp(handle: Handle) {
  return report(handle, { status: 'idle', current_task: null, session_id: null })
}

const modes = [
  { weight: 3, mode: 'checkpoint' },
  { weight: 1, mode: 'interrupt' },
] as const

function pauseByHand({ act }: Handle) {
  const withTimer = between(1, 3) === 1
  return act('pause', {
    reason: pick(cast.pauseReasons),
    mode: pickWeighted(modes)?.mode,
    ...(withTimer && { resume_after: between(5, 20) }),
  })
}

function resumeByHand({ act }: Handle) {
  return act('resume', { reason: 'Looked at it' })
}

/** The server refuses to resume an agent that is over its limit, so the same update raises the limit. */
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
