import { Agent, tool } from '@openai/agents'
import { runAgent } from 'signalbox/client'
import { controlled, Runner } from 'signalbox/client/openai-agents'
import { z } from 'zod'

const { SIGNALBOX_URL: url = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN: token = '' } = process.env
const identity = { external_id: 'releaser-1', name: 'Releaser', agent_type: 'releaser' }
const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
const deploy = tool({
  name: 'deploy',
  description: 'Deploy a release',
  parameters: z.object({ release: z.string() }),
  needsApproval: true,
  execute: ({ release }) => `${release} is live`,
})
const releaser = new Agent({ name: 'Releaser', model: 'gpt-5', tools: [deploy] })
try {
  const { finalOutput } = await new Runner(controlled(agent)).run(releaser, 'Release what is ready')
  console.log(finalOutput)
} catch (error) {
  if (!agent.signal.aborted) throw error
} finally {
  await agent.close()
}
