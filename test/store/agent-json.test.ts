import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toAgent } from '#src/domain/agent.ts'
import type { App } from '#src/server/app.ts'
import { findAgentJson } from '#src/store/agent-json.ts'
import { findAgent } from '#src/store/agents.ts'
import { backends, startApp } from '../support/backends.ts'
import { createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'

describe.each(backends)('the JSON that the database of $name makes of an agent', ({ config }) => {
  let app: App
  let fleet: Fleet
  beforeAll(async () => {
    app = await startApp(await config())
    fleet = await createFleet(await Rest.of(app).signIn())
  })
  afterAll(() => app.stop())

  const readBoth = async (id: string) => {
    const [json, state] = await Promise.all([
      findAgentJson(app.database, fleet.project_id, id),
      findAgent(app.database, fleet.project_id, id),
    ])
    return { json: JSON.parse(json ?? ''), agent: state && toAgent(state) }
  }

  it('equals the Agent that the server makes of the same row, null fields and all', async () => {
    const { json, agent } = await readBoth((await spawn(fleet)).id)
    expect(json).toEqual(agent)
  })

  it('equals it for an agent that has a memory, limits, costs and an open signal', async () => {
    const own = { short_term_memory: { step: 1.5 }, token_limit: 7, cost_limit: '2.5', current_task: 'é' }
    const { id } = await spawn(fleet, own)
    await fleet.rest.patch(`${fleet.agents}/${id}`, { cost_incurred: '0.25', tokens_used: 5 })
    await fleet.rest.post(`${fleet.agents}/${id}/pause`, { reason: 'lunch', resume_after: 60 })
    const { json, agent } = await readBoth(id)
    expect(json).toEqual(agent)
    expect(json).toMatchObject({ pending_signals: 1, cost_incurred: '0.2500', token_limit: 7 })
  })
})
