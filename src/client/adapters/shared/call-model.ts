import { guard } from '#src/client/agent/guard.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'

type Limits = { signal?: AbortSignal | undefined; timeout_ms?: number | undefined }

/**
 * One call of a model as a step of the agent, which is done again after an interruption. It also ends with the framework's
 * signal, or when it takes longer than `timeout_ms`, even if the model hears no signal.
 */
export function callModel<Result>(
  agent: RunningAgent,
  { signal, timeout_ms }: Limits,
  call: (signal: AbortSignal) => PromiseLike<Result>,
): Promise<Result> {
  const step = agent.step((own) => {
    const limit = timeout_ms === undefined ? undefined : AbortSignal.timeout(timeout_ms)
    const signals = [own, signal, limit].filter((one) => one !== undefined)
    const any = AbortSignal.any(signals)
    return guard(call(any), any)
  })
  return signal ? guard(step, signal) : step
}
