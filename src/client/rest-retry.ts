import { type AttemptOptions, attempt, type RestRequest } from './rest-attempt.ts'
import { ApiError } from './rest-error.ts'

const FIRST_BACKOFF_MS = 250
const MAX_BACKOFF_MS = 5_000

/** Called again with the token that was refused, once a call: it answers a new one, or the same if there is none. */
export type TokenSource =
  | string
  | ((refused: string | undefined) => string | undefined | Promise<string | undefined>)

export type RetryOptions = Omit<AttemptOptions, 'token'> & {
  token: TokenSource | undefined
  /** How many attempts may follow the first. */
  retries: number
  /** A call fails rather than wait longer than this, in all its pauses together. */
  max_wait_ms: number
  /** Whether the request may be sent again when nobody knows what became of it. */
  is_repeatable: boolean
}

/** Sends a request until it succeeds, fails for good, or has been tried often enough. */
export async function sendRepeatedly<Answer>(
  request: RestRequest,
  options: RetryOptions,
  read: (response: Response) => Promise<Answer>,
): Promise<Answer> {
  let token = await readToken(options.token, undefined)
  let is_renewed = false
  let left_ms = options.max_wait_ms
  for (let tries = 0; ; tries++) {
    try {
      return await attempt(request, { ...options, token }, read)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status === 401 && !is_renewed) {
        const renewed = await readToken(options.token, token)
        if (renewed === token) throw error
        token = renewed
        is_renewed = true
        continue
      }
      const pause_ms = pauseBefore(tries, error, options)
      if (pause_ms === undefined || pause_ms > left_ms) throw error
      left_ms -= pause_ms
      await sleep(pause_ms, options.signal)
    }
  }
}

function readToken(source: TokenSource | undefined, refused: string | undefined) {
  return typeof source === 'function' ? source(refused) : source
}

/** Full jitter, after what the server asks for; undefined: not again. A 429 says that nothing was done. */
function pauseBefore(
  tries: number,
  error: ApiError,
  { retries, is_repeatable }: RetryOptions,
): number | undefined {
  if (!error.retryable || tries >= retries) return undefined
  if (error.status !== 429 && !is_repeatable) return undefined
  const backoff_ms = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** tries)
  return (error.retry_after_ms ?? 0) + Math.random() * backoff_ms
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
