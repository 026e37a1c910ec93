import { ApiError } from '#src/client/shared/api-error.ts'
import { sleep } from '#src/client/shared/timers.ts'
import { askForToken, type TokenSource } from '#src/client/shared/token-source.ts'
import { type Backoff, fullJitter } from '#src/domain/full-jitter.ts'
import { type AttemptOptions, attempt, type RestRequest } from './attempt.ts'

const BACKOFF: Backoff = { first_ms: 250, max_ms: 5_000 }

export type RetryOptions = Omit<AttemptOptions, 'token'> & {
  /** After a refusal it is asked for another token, once a call. */
  token: TokenSource | undefined
  retries: number
  /** The sum of all pauses of a call; then it fails. */
  max_wait_ms: number
  /** Whether the request may be sent again when its outcome is unknown. */
  isRepeatable: boolean
}

/** Sends a request until it succeeds, fails for good, or has used up its retries. */
export async function sendRepeatedly<Answer>(
  request: RestRequest,
  options: RetryOptions,
  read: (response: Response) => Promise<Answer>,
): Promise<Answer> {
  let token = await askForToken(options.token, undefined, options.signal)
  let isRenewed = false
  let leftMs = options.max_wait_ms
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(request, { ...options, token }, read)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 401 && !isRenewed) {
        const renewed = await askForToken(options.token, token, options.signal)
        if (renewed === token) throw error
        token = renewed
        isRenewed = true
        continue
      }
      const pauseMs = pauseBefore(tries, error, options)
      if (pauseMs === undefined || pauseMs > leftMs) throw error
      leftMs -= pauseMs
      await sleep(pauseMs, options.signal)
    }
  }
}

/** The pause before the next attempt; undefined: no retry. After a 429 a retry is always safe: nothing was done. */
function pauseBefore(
  tries: number,
  error: ApiError,
  { retries, isRepeatable }: RetryOptions,
): number | undefined {
  if (!error.retryable || tries >= retries) return undefined
  if (error.status !== 429 && !isRepeatable) return undefined
  return (error.retry_after_ms ?? 0) + fullJitter(tries, BACKOFF, Math.random())
}
