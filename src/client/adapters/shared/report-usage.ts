import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import type { Usage } from '#src/client/agent/usage.ts'

const MAX_NAME = 128

/** What a framework says of a call of a model: numbers that are none are left out, because they must not end its work. */
export function reportUsage(agent: RunningAgent, { model, provider, ...counts }: Usage): void {
  const valid = Object.entries(counts).filter(
    ([name, count]) =>
      Number(count) >= 0 && (name === 'cost_incurred' ? Number.isFinite(count) : Number.isSafeInteger(count)),
  )
  void agent.report({
    usage: { ...Object.fromEntries(valid), model: cut(model), provider: cut(provider) },
  })
}

function cut(name: string | undefined): string | undefined {
  return typeof name === 'string' ? [...name].slice(0, MAX_NAME).join('') : undefined
}
