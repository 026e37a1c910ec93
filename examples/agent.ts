/**
 * An agent that registers under its own name, and whose loop operators can pause, resume and terminate. `checkpoint` waits
 * while the agent is paused and throws once it is terminated; the signal of a step cancels a call to a model. `close` confirms
 * the terminate to the server.
 *
 *     SIGNALBOX_TOKEN=<a runtime key> AGENT_TYPE=<a type's slug> EXTERNAL_ID=crawler-7 node agent.ts
 */
import { setTimeout as wait } from 'node:timers/promises'
import { runAgent } from 'signalbox/client'

const { SIGNALBOX_URL = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN = '' } = process.env
const { EXTERNAL_ID = 'example-1', AGENT_TYPE = 'crawler' } = process.env

const agent = await runAgent({
  url: SIGNALBOX_URL,
  token: SIGNALBOX_TOKEN,
  external_id: EXTERNAL_ID,
  name: `Example ${EXTERNAL_ID}`,
  agent_type: AGENT_TYPE,
  labels: { language: 'typescript' },
  capabilities: ['interrupt'],
  onMessage: ({ payload }) => console.log('message', JSON.stringify(payload)),
})
console.log('running', agent.details.name)

try {
  for (let step = 1; ; ) {
    await agent.checkpoint()
    const signal = agent.interruptSignal()
    const tokens_used = await callModel(`step ${step}`, signal).catch((error) => {
      // Interrupted: the next checkpoint waits for the resume, and the step is done again.
      if (signal.aborted) return undefined
      throw error
    })
    if (tokens_used === undefined) continue
    agent.report({
      status: 'working',
      current_task: `step ${step++}`,
      usage: { tasks_completed: 1, tokens_used, cost_incurred: '0.0012' },
    })
  }
} catch (error) {
  // Terminated, or replaced by a newer process: the loop ends. Any other error is a fault of the agent.
  if (!agent.signal.aborted) throw error
  console.log('over:', agent.signal.reason.reason)
} finally {
  await agent.close()
}

/** Replace it with a real call that takes a signal, and answer the tokens that it used. */
async function callModel(prompt: string, signal: AbortSignal): Promise<number> {
  await wait(200, undefined, { signal })
  return prompt.length * 10
}
