import { isInterrupted, MemorySaver } from '@langchain/langgraph'
import { ChatOpenAI } from '@langchain/openai'
import { createAgent, humanInTheLoopMiddleware, tool } from 'langchain'
import { runAgent } from 'signalbox/client'
import { answered, controlled, signalbox } from 'signalbox/client/langchain'
import { z } from 'zod'

const { SIGNALBOX_URL: url = 'http://127.0.0.1:8080', SIGNALBOX_TOKEN: token = '' } = process.env
const identity = { external_id: 'releaser-1', name: 'Releaser', agent_type: 'releaser' }
const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
const schema = z.object({ release: z.string() })
const deploy = tool(({ release }) => `${release} is live`, { name: 'deploy', schema })
const review = humanInTheLoopMiddleware({
  interruptOn: { deploy: { allowedDecisions: ['approve', 'reject'] } },
})
const model = new ChatOpenAI({ model: 'gpt-5' })
const middleware = [signalbox(agent), review]
const graph = createAgent({ model, tools: [deploy], middleware, checkpointer: new MemorySaver() })
const config = controlled(agent, { configurable: { thread_id: 'releases' } })
const task = 'Release what is ready'
const work = async () => {
  let state = await graph.invoke({ messages: [{ role: 'user', content: task }] }, config)
  while (isInterrupted(state)) state = await graph.invoke(await answered(agent, state), config)
}
await agent.run(work, { current_task: task }).catch((error) => agent.signal.aborted || Promise.reject(error))
await agent.close()
