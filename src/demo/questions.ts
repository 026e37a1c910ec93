import { setTimeout as sleep } from 'node:timers/promises'
import type * as v from 'valibot'
import { inboxRequest, request } from '#src/protocol/requests.ts'
import * as cast from './cast.ts'
import { between, pick } from './chance.ts'
import { type Client, Refusal } from './client.ts'
import { type Agent, type Handle, listAll } from './fleet.ts'

/** Questions of the demo that wait at the same time. */
const MAX_OPEN = 8
/** The operator looks this often, well below the limit of 60 calls a minute. */
const LOOK_EVERY_MS = 4_000
/** The operator answers no sooner, so that the reader can be first. */
const ANSWERED_AFTER_MS = 20_000

type InboxRequest = v.InferOutput<typeof inboxRequest>

let open = 0

export const mayAsk = ({ open_requests }: Agent): boolean => open < MAX_OPEN && open_requests === 0

/** Asks one of the questions. The answer is not awaited here: the client reports that the agent waits, and works again. */
export async function askPeople({ runtime }: Handle): Promise<void> {
  if (runtime.isPaused || runtime.signal.aborted) return
  const expires_at = new Date(Date.now() + between(90, 240) * 1_000).toISOString()
  open++
  void runtime
    .ask({ ...pick(cast.questions).question, expires_at })
    // The agent has ended before the answer.
    .catch(() => {})
    .finally(() => open--)
}

/** The operator answers some of the questions, until `stopping`; the others wait for the reader, or until they expire. */
export async function answerSome(operator: Client, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    try {
      const waiting = await listAll(operator, '/requests', inboxRequest)
      for (const one of waiting) if (between(1, 4) === 1) await answer(operator, one)
    } catch (error) {
      // The reader, or the time, was faster.
      const isLate = error instanceof Refusal && error.status === 409
      if (!stopping.aborted && !isLate) console.error(`demo: ${String(error)}`)
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal: stopping }).catch(() => {})
  }
}

async function answer(
  operator: Client,
  { id, project_id, message, created_at }: InboxRequest,
): Promise<void> {
  // An agent of the reader asks something else.
  const body = cast.questions.find(({ question }) => question.message === message)?.answer
  if (!body || Date.parse(created_at) > Date.now() - ANSWERED_AFTER_MS) return
  await operator.send(request, {
    method: 'POST',
    path: `/projects/${project_id}/requests/${id}/answer`,
    body,
  })
}
