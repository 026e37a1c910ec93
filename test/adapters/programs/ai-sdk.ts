import { generateText, tool } from 'ai'
import { runAgent } from 'signalbox/client'
import { controlled, steered } from 'signalbox/client/ai-sdk'
import { z } from 'zod'

const { SIGNALBOX_URL: url = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN: token = '' } = process.env
const identity = { external_id: 'releaser-1', name: 'Releaser', agent_type: 'releaser' }
const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
const deploy = tool({
  inputSchema: z.object({ release: z.string() }),
  execute: ({ release }) => `${release} is live`,
})
try {
  const { text } = await generateText({
    model: controlled(agent, 'openai/gpt-5'),
    tools: { deploy },
    prompt: 'Release what is ready',
    ...steered(agent, { toolApproval: { deploy: 'user-approval' } }),
  })
  console.log(text)
} catch (error) {
  if (!agent.signal.aborted) throw error
} finally {
  await agent.close()
}
