import type { RunningAgent } from '#src/client/agent/running-agent.ts'

/** The texts that operators have sent, which the model is given now. With an `onMessage`, they are not the adapter's. */
export function takeTexts(agent: RunningAgent): string[] {
  if (!agent.queuesMessages) return []
  return agent.takeMessages().map((message) => {
    message.done()
    return message.text
  })
}
