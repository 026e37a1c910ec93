import type { RunnableConfig } from '@langchain/core/runnables'
import { END, interrupt, MemorySaver, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { createAgent } from 'langchain'
import { runAgent } from 'signalbox/client'
import { answered, controlled, signalbox, takeMessages } from 'signalbox/client/langchain'
import { describe, expect, test } from 'vitest'
import { ChatOpenAI, provide } from './support/fake-langchain.ts'
import { FakeModel } from './support/fake-model.ts'
import { usageOf, useServer } from './support/stage.ts'
import { tellStory } from './support/story.ts'

process.env.LANGSMITH_TRACING = 'false'
const operator = useServer()

describe('LangGraph', () => {
  const model = new FakeModel()
  const start = () => {
    provide(model)
    return import('./programs/langgraph.ts')
  }
  tellStory({ ...{ name: 'langgraph', model_name: 'gpt-5', model, operator, start } })

  test('a graph of its own and an agent need nothing but their configuration', async () => {
    const { SIGNALBOX_URL: url = '', SIGNALBOX_TOKEN: token = '' } = process.env
    const identity = { external_id: 'graph-1', name: 'Graph', agent_type: 'releaser' }
    const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
    const person = await operator().meet()
    const fake = new FakeModel()
    const chat = new ChatOpenAI({ model: 'small', fake })
    const node = async ({ messages }: typeof MessagesAnnotation.State, config: RunnableConfig) => {
      const { payload } = interrupt({ message: 'Which gauge?' })
      const asked = [...messages, ...takeMessages(agent), { role: 'user', content: JSON.stringify(payload) }]
      return { messages: [await chat.invoke(asked, config)] }
    }
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('node', node)
      .addEdge(START, 'node')
      .addEdge('node', END)
      .compile({ checkpointer: new MemorySaver() })
    const config = controlled(agent, { configurable: { thread_id: '1' } })
    const stopped = await graph.invoke({ messages: [{ role: 'user', content: 'Lay tracks' }] }, config)
    await person.becomes({ status: 'idle', tasks_completed: 0 })
    const command = answered(agent, stopped)
    await person.answer(await person.asked(), { status: 'resolved', payload: { gauge: 1435 } })
    const result = command.then((resume) => graph.invoke(resume, config))
    const call = await fake.next()
    expect(call.prompt).toContain('1435')
    await person.becomes({ status: 'working' })
    call.reply({ text: 'Laid' })
    expect((await result).messages.at(-1)?.content).toBe('Laid')
    await person.becomes({ status: 'idle', tasks_completed: 1 })

    const alone = createAgent({ model: chat, middleware: [signalbox(agent)] })
    const said = alone.invoke({ messages: [{ role: 'user', content: 'Hello' }] })
    ;(await fake.next()).reply({ text: 'Hi' })
    await said
    await person.becomes({ tokens_used: usageOf(fake).tokens_used })
    expect(await person.usage()).toContainEqual(expect.objectContaining({ group: 'small', ...usageOf(fake) }))

    const endless = graph.invoke(await answeredByNobody(), config)
    await fake.next()
    await person.becomes({ status: 'working' })
    await person.order('terminate')
    await expect(endless).rejects.toThrow()
    await person.obeyed()
    await agent.close()

    async function answeredByNobody() {
      const again = await graph.invoke({ messages: [{ role: 'user', content: 'More' }] }, config)
      const next = answered(agent, again)
      await person.answer(await person.asked(), { status: 'cancelled' })
      return next
    }
  })
})
