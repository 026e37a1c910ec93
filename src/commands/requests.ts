import { v7 as uuid } from 'uuid'
import { system } from '#src/domain/actor.ts'
import type { Answer } from '#src/domain/answer.ts'
import { notFound, SignalboxError } from '#src/domain/errors.ts'
import type { AgentStatus } from '#src/domain/lifecycle.ts'
import type { Question, RequestRecord } from '#src/domain/request.ts'
import {
  type Asked,
  decideAnswer,
  decideExpiry,
  decideRequest,
  decideWithdraw,
} from '#src/domain/requests.ts'
import { assertNewestLease } from '#src/domain/runtime.ts'
import { type DueRequest, listDueRequests, listLeftOpen } from '#src/store/request-times.ts'
import { findRequest } from '#src/store/requests.ts'
import type { ByProject } from './by-project.ts'
import type { CommandContext } from './context.ts'
import type { AgentTarget, LinkTarget, RuntimeTarget } from './runtime.ts'
import { submitDecision } from './submit-decision.ts'

type WriteContext = Pick<CommandContext, 'writes'>

/** Protocol `request` and REST `ask`. Resolves after the commit. Refuses with `replaced`, `agent_terminated`, `invalid`. */
export async function askPeople(
  { writes }: WriteContext,
  { lease, ...target }: RuntimeTarget,
  question: Question & { status?: AgentStatus | undefined },
): Promise<Omit<Asked, 'change'>> {
  const key = { agent_id: target.agent_id, request_id: question.request_id }
  const id = uuid()
  const { decided } = await submitDecision(
    writes,
    { ...target, ignores_memory: true, request_keys: [key] },
    (agent, context, find) => {
      assertNewestLease(agent, lease)
      return decideRequest(agent, question, { known: find.request(key), id }, context)
    },
  )
  return decided
}

/** Protocol `withdraw`. Returns the request as it ended. Refuses with `replaced`, `not_found`. */
export async function withdrawRequest(
  { writes }: WriteContext,
  { lease, ...target }: LinkTarget,
  request_id: string,
): Promise<RequestRecord> {
  const key = { agent_id: target.agent_id, request_id }
  const { decided } = await submitDecision(
    writes,
    { ...target, ignores_memory: true, request_keys: [key] },
    (agent, context, find) => {
      assertNewestLease(agent, lease)
      const request = find.request(key)
      if (!request) throw notFound.requestOfAgent(request_id)
      return decideWithdraw(agent, request, context)
    },
  )
  return decided.request
}

/** REST `answer_request`. Refuses with `not_found`, `conflict`, `invalid`. */
export async function answerRequest(
  { writes, database }: Pick<CommandContext, 'writes' | 'database'>,
  { project_id, id, actor }: Omit<AgentTarget, 'agent_id'> & { id: string },
  answer: Answer,
): Promise<RequestRecord> {
  const found = await findRequest(database, project_id, id)
  if (!found) throw notFound.request(id, project_id)
  const { decided } = await submitDecision(
    writes,
    { project_id, agent_id: found.agent_id, actor, ignores_memory: true, request_keys: [{ id }] },
    (agent, context, find) => {
      const request = find.request({ id })
      if (!request) throw notFound.request(id, project_id)
      return decideAnswer(agent, request, answer, context)
    },
  )
  return decided.request
}

type Times = Pick<CommandContext, 'writes' | 'database'>

/**
 * Ends every request whose time is over, except in projects that are held up. Returns how many were due, at most `limit`.
 */
export async function expireRequests(
  { writes, database }: Times,
  turns: ByProject,
  limit: number,
): Promise<number> {
  const due = await listDueRequests(database, { limit, except: turns.heldUp })
  await turns.run(due, ({ id, ...target }: DueRequest) =>
    orDeleted(
      writes.submit({
        ...target,
        actor: system,
        ignores_memory: true,
        request_keys: [{ id }],
        decide: (agent, context, find) => {
          const request = find.request({ id })
          return request && decideExpiry(agent, request, context)?.change
        },
      }),
    ),
  )
  return due.length
}

/**
 * Ends the open requests of terminated agents. A server of the release before requests leaves them open when it terminates an
 * agent during an upgrade; no other server does.
 */
export async function endLeftOpen(
  { writes, database }: Times,
  turns: ByProject,
  limit: number,
): Promise<void> {
  const left = await listLeftOpen(database, { limit, except: turns.heldUp })
  await turns.run(left, (target) =>
    orDeleted(
      writes.submit({
        ...target,
        actor: system,
        ignores_memory: true,
        // Any change of a terminated agent ends its open requests.
        decide: (agent) =>
          agent.open_requests > 0 ? { agent, event: { name: 'agent.updated' } } : undefined,
      }),
    ),
  )
}

/** The agent may have been deleted since it was listed. */
async function orDeleted(change: Promise<unknown>): Promise<void> {
  await change.catch((error: unknown) => {
    if (!(error instanceof SignalboxError)) throw error
  })
}
