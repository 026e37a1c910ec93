import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { createTool } from '@mastra/core/tools'
import { runAgent } from 'signalbox/client'
import { controlled } from 'signalbox/client/ai-sdk'
import { z } from 'zod'

const { SIGNALBOX_URL: url = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN: token = '' } = process.env
const identity = { external_id: 'mastra-1', name: 'Releaser', agent_type: 'releaser' }
const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
const inputSchema = z.object({ release: z.string() })
const execute = async ({ release }: z.infer<typeof inputSchema>) => {
  const tool_call = { id: `deploy ${release}`, name: 'deploy', arguments: { release } }
  return (await agent.confirm('Deploy?', { tool_call })) ? `${release} is live` : 'Refused'
}
const deploy = createTool({ id: 'deploy', description: 'Deploy a release', inputSchema, execute })
const model = controlled(agent, 'openai/gpt-5-mini') as MastraModelConfig
const about = { id: 'releaser', name: 'Releaser', instructions: 'Release what is ready.' }
const releaser = new Agent({ ...about, model, tools: { deploy } })
const task = 'Release what is ready'
await agent
  .run(() => releaser.generate(task), { current_task: task })
  .catch((error) => agent.signal.aborted || Promise.reject(error))
await agent.close()
