import { vi } from 'vitest'

/** Asks until the answer is there, and resolves with it. Fails after `wait_ms`, naming the question and the last answer. */
export async function answerOf<Answer>(
  ask: () => Answer | undefined | false | Promise<Answer | undefined | false>,
  wait_ms = 10_000,
): Promise<Answer> {
  let last: unknown
  try {
    const answer = await vi.waitUntil(
      async () => {
        last = await ask()
        // Wrapped, since an answer may be one that counts as false.
        return last === undefined || last === false ? undefined : { answer: last as Answer }
      },
      { timeout: wait_ms, interval: 20 },
    )
    return answer.answer
  } catch (error) {
    if (!(error instanceof Error && /Timed out/.test(error.message))) throw error
    throw new Error(`timed out after ${wait_ms} ms waiting for ${ask}; last answer: ${JSON.stringify(last)}`)
  }
}

/** Resolves once it is so; fails after `wait_ms`, naming the condition. */
export async function eventually(isSo: () => boolean | Promise<boolean>, wait_ms = 10_000): Promise<void> {
  await answerOf(isSo, wait_ms)
}
