import { afterEach, describe, expect, it } from 'vitest'
import { approve } from '#src/client/adapters/shared/approve.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { runAgent } from '#src/client/index.ts'
import type { AgentRequest } from '#src/domain/request.ts'
import { backends } from '../support/backends.ts'
import { answerOf } from '../support/eventually.ts'
import { spawn } from '../support/rest.ts'
import { useScene } from './support.ts'

type Call = Parameters<typeof approve>[1]

describe.each(backends.slice(0, 1))('tool calls that people are asked about', (backend) => {
  const scene = useScene(backend)
  const agents: RunningAgent[] = []
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.close()
  })

  async function run() {
    const { fleet, reach } = scene()
    const { id: agent_id } = await spawn(fleet, { status: 'working' })
    const start = async () => {
      const agent = await runAgent({ ...reach, agent_id })
      agents.push(agent)
      return agent
    }
    const path = `/projects/${fleet.project_id}/requests`
    const asked = () =>
      answerOf(async () => {
        const { body } = await fleet.rest.get<{ data: AgentRequest[] }>(`${path}?agent_id=${agent_id}`)
        return body.data[0]
      })
    const answer = async (status: 'resolved' | 'cancelled') => {
      const request = await asked()
      expect((await fleet.rest.post(`${path}/${request.id}/answer`, { status })).status).toBe(200)
      return request
    }
    /** Fails if the call asks nobody. */
    const decide = async (agent: RunningAgent, call: Call, status: 'resolved' | 'cancelled') => {
      const approving = approve(agent, call)
      const request = await answer(status)
      expect((await approving).isApproved).toBe(status === 'resolved')
      return request
    }
    return { start, answer, decide }
  }

  const ls = { id: '0', name: 'shell', input: { cmd: 'ls', flags: { long: true, all: false } } }
  const long = 'x'.repeat(20_000)

  it.each<[string, Call, Call]>([
    ['other arguments', ls, { ...ls, input: { cmd: 'rm -rf /' } }],
    ['another tool', ls, { ...ls, name: 'unlist' }],
    ['arguments as text', { ...ls, input: '{"cmd":"ls"}' }, { ...ls, input: '{"cmd":"rm"}' }],
    ['what people are not shown', { ...ls, input: { a: `${long}1` } }, { ...ls, input: { a: `${long}2` } }],
    ['a longer name', { ...ls, name: `${long}1` }, { ...ls, name: `${long}2` }],
    ['a key that objects have', { ...ls, input: '{"__proto__":1}' }, { ...ls, input: '{"__proto__":2}' }],
    ['a list for an object', { ...ls, input: ['ls'] }, { ...ls, input: { 0: 'ls' } }],
    ['a longer id', { ...ls, id: `${long}1` }, { ...ls, id: `${long}2` }],
  ])('are asked about by themselves, under an id that came before: %s', async (_, one, other) => {
    const { start, decide } = await run()
    const agent = await start()
    const request = await decide(agent, one, 'resolved')
    expect(request.tool_call?.id).toBe(one.id.slice(0, 255))
    await decide(agent, other, 'cancelled')
  })

  it.each<[string, Call]>([
    ['a number that JSON lacks', { ...ls, input: '{"n":1e999}' }],
    ['a map', { ...ls, input: { of: new Map([[1, 2]]) } }],
    ['no id', { ...ls, id: '' }],
  ])('are asked about again after a restart, where nothing says which call it is: %s', async (_, call) => {
    const { start, decide } = await run()
    const before = await start()
    await decide(before, call, 'resolved')
    await before.close()
    await decide(await start(), call, 'cancelled')
  })

  it('find their answer after a restart, and are asked about again when they come again', async () => {
    const { start, decide } = await run()
    const before = await start()
    const request = await decide(before, ls, 'resolved')
    expect(request.request_id).toMatch(/^0-[0-9a-f]{64}$/)
    await before.close()
    const agent = await start()
    const reordered = { ...ls, input: '{"flags":{"all":false,"long":true},"cmd":"ls"}' }
    expect((await approve(agent, reordered)).isApproved).toBe(true)
    await decide(agent, ls, 'cancelled')
    await decide(agent, ls, 'resolved')
  })

  it('are two questions when they come twice at once', async () => {
    const { start, answer } = await run()
    const agent = await start()
    const approving = [approve(agent, ls), approve(agent, ls)]
    await answer('resolved')
    await answer('cancelled')
    const outcomes = (await Promise.all(approving)).map(({ isApproved }) => isApproved)
    expect(outcomes.sort()).toEqual([false, true])
  })
})
