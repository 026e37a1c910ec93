import { runAgent } from 'signalbox/client'
import { query } from 'signalbox/client/claude-agent-sdk'
import { describe, expect, test } from 'vitest'
import { provide } from './support/fake-claude.ts'
import { FakeModel } from './support/fake-model.ts'
import { usageOf, useServer } from './support/stage.ts'
import { tellStory } from './support/story.ts'

const operator = useServer()

describe('the Claude Agent SDK', () => {
  const model = new FakeModel()
  const start = () => {
    provide(model)
    return import('./programs/claude-agent-sdk.ts')
  }
  const own = { name: 'claude-agent-sdk', model_name: 'claude-sonnet-5', stands_before_tools: true }
  tellStory({ ...own, model, operator, start })

  test('a message that comes with the last answer continues the turn; its end brings the cost', async () => {
    const { SIGNALBOX_URL: url = '', SIGNALBOX_TOKEN: token = '' } = process.env
    const identity = { external_id: 'claude-1', name: 'Claude', agent_type: 'releaser' }
    const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
    const person = await operator().meet()
    const fake = new FakeModel()
    provide(fake)
    const results: string[] = []
    const ended = (async () => {
      for await (const message of query(agent, { prompt: 'Greet' })) {
        if (message.type === 'result' && message.subtype === 'success') results.push(message.result)
      }
    })()
    const first = await fake.next()
    const outcome = await person.tell('In French')
    first.reply({ text: 'Hello' })
    const second = await fake.next()
    expect(second.prompt).toContain('In French')
    expect(await outcome()).toBe('done')
    second.reply({ text: 'Bonjour' })
    await ended
    expect(results).toEqual(['Bonjour'])
    const counters = { tokens_used: usageOf(fake).tokens_used, cost_incurred: '0.5000', tasks_completed: 1 }
    await person.becomes({ status: 'idle', ...counters })
    await person.order('terminate')
    await person.obeyed()
    await agent.close()
  })
})
