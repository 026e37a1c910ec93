import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type ClientConnection, client, methods, ndJsonStream } from '@agentclientprotocol/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { AcpBridge } from '#src/cli/run/acp-bridge.ts'
import type { Agent } from '#src/client/rest/rest.ts'
import { answerOf, eventually } from '../support/eventually.ts'
import { unique } from '../support/rest.ts'
import { RunStage } from '../support/run-stage.ts'

const program = fileURLToPath(new URL('../support/acp-agent.ts', import.meta.url))

describe.skipIf(process.platform !== 'linux')('signalbox run --acp', () => {
  let stage: RunStage
  beforeAll(async () => {
    stage = await RunStage.start()
  })
  afterEach(() => stage.clear())
  afterAll(() => stage.stop())

  let name: string
  let heard: string
  let connection: ClientConnection
  let ended: Promise<number | null>
  let leave: () => void
  let said: string[]
  /** The client's answers to what the agent asks. */
  let asked: { answer: (optionId: string) => void; isCancelled: () => boolean }[]
  let agent: Agent

  beforeEach(async () => {
    name = unique('acp')
    heard = join(stage.folder, name)
    said = []
    asked = []
    const running = stage.run(name, ['--acp', '--grace', '2s'], [process.execPath, program, heard])
    ended = running.code
    leave = () => running.child.stdin.end()
    const output = Readable.toWeb(running.child.stdout) as ReadableStream<Uint8Array>
    connection = client({ name: 'editor' })
      .onNotification(methods.client.session.update, ({ params: { update } }) => {
        if (update.sessionUpdate !== 'agent_message_chunk') return
        if (update.content.type === 'text') said.push(update.content.text)
      })
      .onRequest(methods.client.session.requestPermission, async ({ signal }) => {
        const { promise, resolve } = Promise.withResolvers<string>()
        asked.push({ answer: resolve, isCancelled: () => signal.aborted })
        return { outcome: { outcome: 'selected', optionId: await promise } }
      })
      .connect(ndJsonStream(Writable.toWeb(running.child.stdin), output))
    await connection.agent.request(methods.agent.initialize, { protocolVersion: 1, clientCapabilities: {} })
    await connection.agent.request(methods.agent.session.new, { cwd: stage.folder, mcpServers: [] })
    agent = await stage.agent(name, ({ runtime }) => runtime.connected)
  })

  const prompt = (text: string) =>
    connection.agent.request(methods.agent.session.prompt, {
      sessionId: 's1',
      prompt: [{ type: 'text', text }],
    })
  const prompts = () => Number(readFileSync(heard, 'utf8'))
  const question = () =>
    answerOf(async () => {
      const { data } = await stage.api.requests.list(stage.project_id, { agent_id: agent.id, limit: 100 })
      return data[0]
    })

  it('holds the next prompt back while the agent is paused, cancels a turn, and ends with the agent', async () => {
    expect(await prompt('hello')).toMatchObject({ stopReason: 'end_turn' })
    const used = await stage.agent(
      name,
      ({ tokens_used, cost_incurred }) => tokens_used === 30 && cost_incurred === '0.2500',
    )
    expect(used).toMatchObject({ status: 'idle', tasks_completed: 1 })
    const turn = prompt('work')
    await stage.agent(name, ({ status, current_task }) => status === 'working' && current_task === 'work')
    await eventually(() => prompts() === 2)
    await stage.api.agents.pause(stage.project_id, agent.id, { mode: 'interrupt' })
    expect(await turn).toMatchObject({ stopReason: 'cancelled' })
    await stage.obeyed(agent.id, 'pause')
    const held = prompt('later')
    const dropped = prompt('never')
    await stage.order('resume', agent)
    await Promise.all([held, dropped])
    expect(said).toEqual(['hello', 'later', 'never'])
    await stage.order('pause', agent)
    const unwanted = prompt('unwanted')
    await connection.agent.notify(methods.agent.session.cancel, { sessionId: 's1' })
    expect(await unwanted).toMatchObject({ stopReason: 'cancelled' })
    expect(prompts()).toBe(4)
    await stage.api.agents.terminate(stage.project_id, agent.id)
    expect(await ended).toBe(143)
    await stage.obeyed(agent.id, 'terminate')
  })

  it('asks with numbers where the ids of options are longer than a request takes', async () => {
    const turn = prompt('ask at length')
    const request = await question()
    expect(request.options).toMatchObject([{ id: '1' }, { id: '2' }])
    await stage.api.requests.answer(stage.project_id, request.id, { status: 'resolved', option: '2' })
    await turn
    expect(said).toEqual([`no-id${'-'.repeat(64)}`])
  })

  it('asks people what the agent asks, and the first answer counts', async () => {
    const turn = prompt('ask')
    const request = await question()
    expect(request).toMatchObject({
      reason: 'tool_call',
      message: 'Delete the branch',
      tool_call: { id: 'c1', name: 'execute', arguments: { command: 'git branch -D x' } },
      options: [
        { id: 'yes-id', label: 'Yes', kind: 'allow_once' },
        { id: 'no-id', label: 'No', kind: 'reject_once' },
      ],
    })
    await stage.api.requests.answer(stage.project_id, request.id, { status: 'resolved', option: 'yes-id' })
    expect(await turn).toMatchObject({ stopReason: 'end_turn' })
    await eventually(() => asked[0]?.isCancelled() === true)
    asked[0]?.answer('no-id')
    const again = prompt('ask')
    const { id } = await question()
    asked[1]?.answer('no-id')
    await again
    expect(said).toEqual(['yes-id', 'no-id'])
    const ofClient = () => stage.api.requests.get(stage.project_id, id)
    await eventually(async () => (await ofClient()).cause === 'withdrawn')
    const denied = prompt('ask')
    await stage.api.requests.answer(stage.project_id, (await question()).id, { status: 'cancelled' })
    await denied
    expect(said.at(-1)).toBe('no-id')
    leave()
    expect(await ended).toBe(0)
  })
})

describe('between client and agent', () => {
  it('lines pass byte for byte, in both directions, also those that are no messages', async () => {
    const [client, agent] = [pair(), pair()]
    const never = () => new Promise<never>(() => {})
    const bridge = new AcpBridge(
      { ask: never, report: () => {}, isHeld: () => false },
      { client: { from: client.says, to: client.hears }, agent: { from: agent.says, to: agent.hears } },
    )
    const lines =
      '{ "jsonrpc": "2.0",  "id": 1.0, "method": "x/\\u0079", "params": [1e2] }\n\n[1]\nno JSON\r\n{"end'
    for (const { says } of [client, agent])
      for (const byte of Buffer.from(lines)) says.write(Buffer.from([byte]))
    const running = bridge.run()
    client.says.end()
    expect(await text(agent.hears)).toBe(lines)
    agent.says.end()
    await running
    client.hears.end()
    expect(await text(client.hears)).toBe(lines)
  })
})

function pair() {
  return { says: new PassThrough(), hears: new PassThrough() }
}
