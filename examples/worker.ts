/**
 * An agent whose work is in runs: operators see it working and idle, and each task counted. A step waits while the agent is
 * paused, ends a call to the model when the agent is interrupted or terminated, and is done again after the resume. Messages
 * of operators go into the next prompt.
 *
 *     SIGNALBOX_TOKEN=<a runtime key> AGENT_TYPE=<a type's slug> EXTERNAL_ID=worker-7 node worker.ts
 */
import { setTimeout as wait } from 'node:timers/promises'
import { runAgent, type Usage } from 'signalbox/client'

const { SIGNALBOX_URL = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN = '' } = process.env
const { EXTERNAL_ID = 'example-2', AGENT_TYPE = 'crawler' } = process.env

const agent = await runAgent({
  url: SIGNALBOX_URL,
  token: SIGNALBOX_TOKEN,
  external_id: EXTERNAL_ID,
  name: `Example ${EXTERNAL_ID}`,
  agent_type: AGENT_TYPE,
  messages: 'queue',
  cost: priceOf,
})
const prompts: string[] = []

try {
  for (let task = 1; ; task++) {
    await agent.run(() => work(`task ${task}`), { current_task: `task ${task}` })
  }
} catch (error) {
  // Terminated, or replaced by a newer process. Any other error is a fault of the agent.
  if (!agent.signal.aborted) throw error
  console.log('over:', agent.signal.reason.reason)
} finally {
  await agent.close()
}

async function work(task: string): Promise<void> {
  prompts.push(task)
  for (let round = 0; round < 3; round++) {
    const usage = await agent.step((signal) => {
      // In the step, so that what came during a pause is in the first prompt after it.
      for (const message of agent.takeMessages()) {
        prompts.push(message.text)
        message.done()
      }
      return callModel(prompts, signal)
    })
    agent.report({ usage })
  }
}

/** Replace it with a real call that takes a signal, and answer the tokens that it used. */
async function callModel(prompts: readonly string[], signal: AbortSignal): Promise<Usage> {
  console.log('prompt:', prompts.at(-1))
  await wait(200, undefined, { signal })
  return { model: 'example-large', input_tokens: 10 * prompts.length, output_tokens: 20 }
}

/** In a real agent: `modelCost` of `signalbox/client/prices`, which knows the prices of most models. */
function priceOf({ input_tokens = 0, output_tokens = 0 }: Usage): number {
  return (2 * input_tokens + 8 * output_tokens) / 1_000_000
}
