import type { Context } from 'hono'
import type { ProjectOperation } from '#src/domain/access.ts'
import { refuse } from '#src/domain/errors.ts'
import { toLimitKey } from './client-address.ts'
import type { HttpContext, PollAnswer } from './context.ts'
import type { HttpEnv } from './env.ts'

type Asking = { context: HttpContext; c: Context<HttpEnv> }
type Waiting = { project_id: string; agent_id: string; wait: number; operation: ProjectOperation }

/** Asks until there is an answer, woken by news of the agent; undefined after `wait` seconds, or once the caller has left. */
export function longPoll<Answer>(
  { context, c }: Asking,
  { wait, ...waiting }: Waiting,
  ask: () => Promise<PollAnswer<Answer>>,
): Promise<Answer | undefined> {
  const authentication = c.get('authentication')
  if (!authentication) throw refuse('no_credentials', 'Credentials are required')
  const address = toLimitKey(c.get('address'))
  const gone = c.req.raw.signal
  return context.runtimes.poll({ ...waiting, wait_seconds: wait, authentication, address, gone }, ask)
}
