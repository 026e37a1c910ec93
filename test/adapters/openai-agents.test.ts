import { setTimeout as wait } from 'node:timers/promises'
import { Agent, setDefaultModelProvider, setTracingDisabled, shellTool } from '@openai/agents'
import { runAgent } from 'signalbox/client'
import { controlled, Runner } from 'signalbox/client/openai-agents'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { FakeModel } from './support/fake-model.ts'
import { toModel } from './support/fake-openai-agents.ts'
import { usageOf, useServer } from './support/stage.ts'
import { LONG_MS, tellStory } from './support/story.ts'

setTracingDisabled(true)
const operator = useServer()

describe('OpenAI Agents', () => {
  const model = new FakeModel()
  setDefaultModelProvider({ getModel: () => toModel(model) })
  const start = () => import('./programs/openai-agents.ts')
  tellStory({ ...{ name: 'openai-agents', model_name: 'gpt-5', model, operator, start } })

  test('stand longer than the limits of the SDK, share their models, and stream', async () => {
    const { SIGNALBOX_URL: url = '', SIGNALBOX_TOKEN: token = '' } = process.env
    const identity = { external_id: 'timed-1', name: 'Timed', agent_type: 'releaser' }
    const agent = await runAgent({ url, token, ...identity, messages: 'queue' })
    const person = await operator().meet()
    const own = new FakeModel()
    const timeoutMs = 2_000
    const modelSettings = { timeoutMs }
    const sdkAgent = new Agent({ name: 'Timed', model: toModel(own, 'small'), modelSettings })
    const runner = new Runner(controlled(agent))
    await person.order('pause')
    await eventually(() => agent.isPaused)
    const result = runner.run(sdkAgent, 'Wait')
    await person.obeyed()
    await wait(timeoutMs + LONG_MS)
    expect(own.calls).toHaveLength(0)
    await person.order('resume')
    ;(await own.next()).reply({ text: 'Done' })
    expect((await result).finalOutput).toBe('Done')
    await person.becomes({ status: 'idle', tasks_completed: 1 })

    const streamed = await runner.run(sdkAgent, 'Stream', { stream: true })
    const first = await own.next()
    await person.becomes({ status: 'working', current_task: 'Stream' })
    first.reply({ text: 'Streamed' })
    await streamed.completed
    expect(streamed.finalOutput).toBe('Streamed')
    await person.becomes({ ...{ status: 'idle', tasks_completed: 2 }, tokens_used: usageOf(own).tokens_used })
    expect(await person.usage()).toContainEqual(expect.objectContaining({ group: 'small', ...usageOf(own) }))

    const endless = await runner.run(sdkAgent, 'Hang', { stream: true })
    const ended = endless.completed.catch((error: unknown) => error)
    expect((await own.next()).signal?.aborted).toBe(false)
    await person.order('terminate')
    await ended
    await person.obeyed()
    expect(() => new Runner({} as never)).toThrow('controlled(agent)')
    await agent.close()
  })

  test('show people what a shell would do, and ask about each of its calls', async () => {
    const { SIGNALBOX_URL: url = '', SIGNALBOX_TOKEN: token = '' } = process.env
    const agent = await runAgent({
      url,
      token,
      external_id: 'shell-1',
      name: 'Shell',
      agent_type: 'releaser',
    })
    const person = await operator().meet()
    const own = new FakeModel()
    const ran: string[] = []
    const run = async ({ commands }: { commands: string[] }) => {
      ran.push(...commands)
      return { output: [] }
    }
    const tools = [shellTool({ shell: { run }, needsApproval: true })]
    const sdkAgent = new Agent({ name: 'Shell', model: toModel(own, 'small'), tools })
    for (const [command, status] of [
      ['ls', 'resolved'],
      ['rm -rf /', 'cancelled'],
      ['ls', 'cancelled'],
    ] as const) {
      // Within one run, the SDK refuses an id that comes again.
      const result = new Runner(controlled(agent)).run(sdkAgent, 'Tidy up')
      ;(await own.next()).reply({ tool: 'shell', input: { commands: [command] }, id: '0' })
      const request = await person.asked()
      expect(request.tool_call).toEqual({ id: '0', name: 'shell', arguments: { commands: [command] } })
      await person.answer(request, { status })
      ;(await own.next()).reply({ text: 'Done' })
      await result
    }
    expect(ran).toEqual(['ls'])
    await person.order('terminate')
    await person.obeyed()
    await agent.close()
  })
})
