/**
 * The loop of an agent, controllable: `checkpoint` waits while it is paused and throws once it is terminated, and the
 * signal cuts a call to a model short.
 *
 *     SIGNALBOX_TOKEN=<the agent's token> AGENT_ID=<its id> node agent.ts
 */
import { setTimeout as wait } from 'node:timers/promises'
import { runAgent } from 'signalbox/client'

const { SIGNALBOX_URL = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN = '', AGENT_ID = '' } = process.env

const agent = await runAgent({
  url: SIGNALBOX_URL,
  token: SIGNALBOX_TOKEN,
  agent_id: AGENT_ID,
  onMessage: ({ payload }) => console.log('message', JSON.stringify(payload)),
})
console.log('running', agent.details.name)

try {
  for (let step = 1; ; step++) {
    await agent.checkpoint()
    const tokens_used = await callModel(`step ${step}`, agent.signal)
    agent.report({
      status: 'working',
      current_task: `step ${step}`,
      usage: { tasks_completed: 1, tokens_used, cost_incurred: '0.0012' },
    })
  }
} catch (error) {
  if (!agent.signal.aborted) throw error
  console.log('over:', agent.signal.reason.reason)
} finally {
  await agent.close()
}

/** Stands for the real thing: what it takes is a signal, and what it costs is told. */
async function callModel(prompt: string, signal: AbortSignal): Promise<number> {
  await wait(200, undefined, { signal })
  return prompt.length * 10
}
