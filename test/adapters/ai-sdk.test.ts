import { setTimeout as wait } from 'node:timers/promises'
import { generateText, registerTelemetry, streamText, tool } from 'ai'
import { type RunningAgent, runAgent } from 'signalbox/client'
import { controlled, signalbox, steered } from 'signalbox/client/ai-sdk'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { endless, provide, toLanguageModel } from './support/fake-ai-sdk.ts'
import { FakeModel } from './support/fake-model.ts'
import { type Operator, usageOf, useServer } from './support/stage.ts'
import { LONG_MS, tellStory } from './support/story.ts'

process.env.MASTRA_TELEMETRY_DISABLED = 'true'
const operator = useServer()

describe('the AI SDK', () => {
  const model = new FakeModel()
  const start = () => {
    provide(model, 'gpt-5')
    return import('./programs/ai-sdk.ts')
  }
  tellStory({ ...{ name: 'ai-sdk', model_name: 'gpt-5', model, operator, start } })
})

describe('Mastra', () => {
  const model = new FakeModel()
  const start = () => {
    provide(model, 'gpt-5-mini')
    return import('./programs/mastra.ts')
  }
  tellStory({ ...{ name: 'mastra', model_name: 'gpt-5-mini', model, operator, start } })
})

describe('an agent of the AI SDK', () => {
  const agents: RunningAgent[] = []
  let count = 0
  afterEach(async () => {
    globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = undefined
    for (const agent of agents.splice(0)) await agent.close()
  })
  async function run(): Promise<{ agent: RunningAgent; person: Operator }> {
    const { SIGNALBOX_URL: url = '', SIGNALBOX_TOKEN: token = '' } = process.env
    const identity = { external_id: `timed-${++count}`, name: 'Timed', agent_type: 'releaser' }
    const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
    agents.push(agent)
    return { agent, person: await operator().meet() }
  }

  test('stands longer than the limits of the SDK, which do not count a pause', async () => {
    const { agent, person } = await run()
    const model = new FakeModel()
    const limits = { timeout: { stepMs: LONG_MS / 3, totalMs: LONG_MS / 2 } }
    const own = toLanguageModel(model)
    const result = generateText({
      model: controlled(agent, own),
      prompt: 'Wait',
      ...limits,
      ...steered(agent),
    })
    const interrupted = await model.next()
    await person.order('pause', { mode: 'interrupt' })
    await person.obeyed()
    expect(interrupted.signal?.aborted).toBe(true)
    await wait(LONG_MS)
    await person.order('resume')
    ;(await model.next()).reply({ text: 'Done' })
    expect((await result).text).toBe('Done')
    const limited = controlled(agent, own, { timeout_ms: 20 })
    await expect(generateText({ model: limited, prompt: 'Hang', ...steered(agent) })).rejects.toThrow(
      /timeout/i,
    )
    await person.becomes({ status: 'idle', tasks_completed: 1 })
    await person.order('terminate')
    await person.obeyed()
  })

  test('asks about each call of a tool, though the model gives them all one id', async () => {
    const { agent, person } = await run()
    const model = new FakeModel()
    const commands: string[] = []
    const shell = tool({
      inputSchema: z.object({ command: z.string() }),
      execute: ({ command }) => commands.push(command),
    })
    const result = generateText({
      ...{ model: controlled(agent, toLanguageModel(model)), tools: { shell }, prompt: 'Tidy up' },
      ...steered(agent, { toolApproval: { shell: 'user-approval' } }),
    })
    for (const [command, status] of [
      ['ls', 'resolved'],
      ['rm -rf /', 'cancelled'],
      ['ls', 'cancelled'],
    ] as const) {
      ;(await model.next()).reply({ tool: 'shell', input: { command }, id: '0' })
      const request = await person.asked()
      expect(request.tool_call).toEqual({ id: '0', name: 'shell', arguments: { command } })
      await person.answer(request, { status })
    }
    ;(await model.next()).reply({ text: 'Done' })
    await result
    expect(commands).toEqual(['ls'])
    await person.order('terminate')
    await person.obeyed()
  })

  test('streams: the end of a stream is reported, a terminate ends one that never ends', async () => {
    const { agent, person } = await run()
    const model = new FakeModel()
    const first = streamText({
      model: controlled(agent, toLanguageModel(model)),
      prompt: 'Go',
      ...steered(agent),
    })
    void model.next().then((call) => call.reply({ text: 'Gone' }))
    expect(await first.text).toBe('Gone')
    await person.becomes({
      ...{ status: 'idle', tasks_completed: 1 },
      tokens_used: usageOf(model).tokens_used,
    })
    const second = streamText({ model: controlled(agent, endless()), prompt: 'Tick', ...steered(agent) })
    const words: string[] = []
    for await (const word of second.textStream) {
      words.push(word)
      await person.becomes({ status: 'working', current_task: 'Tick' })
      await person.order('terminate')
    }
    expect(words).toEqual(['Tick'])
    await person.obeyed()
  })

  test('is a whole process that registers its telemetry', async () => {
    const { agent, person } = await run()
    registerTelemetry(signalbox(agent))
    const model = new FakeModel()
    const result = generateText({ model: toLanguageModel(model), prompt: 'As usual' })
    await person.becomes({ status: 'working', current_task: 'As usual' })
    const call = await model.next()
    await person.order('pause', { mode: 'interrupt' })
    await person.obeyed()
    call.reply({ text: 'Too late' })
    await person.order('resume')
    const again = await model.next()
    again.reply({ text: 'Done' })
    expect((await result).text).toBe('Done')
    await person.becomes({
      ...{ status: 'idle', tasks_completed: 1 },
      tokens_used: usageOf(model).tokens_used / 2,
    })
    const endlessly = generateText({ model: toLanguageModel(model), prompt: 'Hang' })
    await model.next()
    await person.order('terminate')
    await expect(endlessly).rejects.toMatchObject({ reason: 'terminated' })
    await person.obeyed()
  })
})
