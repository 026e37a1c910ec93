import { Validator } from '@seriousme/openapi-schema-validator'
import * as v from 'valibot'
import { beforeAll, describe, expect, it } from 'vitest'
import { agent, agentMetrics } from '#src/protocol/agents.ts'
import { backends } from '../support/backends.ts'
import { createFleet, type Failure, spawn } from '../support/rest.ts'
import { UNKNOWN, useApp } from './suite.ts'

type Operation = {
  operationId: string
  parameters: { name: string; in: string }[]
  responses: Record<string, unknown>
  requestBody?: { required: boolean }
}
type Document = {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, { examples: object[] }> }
}

/** The seed's, typed off the contract. */
const seed = {
  spawn_agent: 'post /projects/{project_id}/agents',
  list_project_agents: 'get /projects/{project_id}/agents',
  get_project_agent_metrics: 'get /projects/{project_id}/agents/metrics',
  get_agent: 'get /projects/{project_id}/agents/{agent_id}',
  update_agent: 'patch /projects/{project_id}/agents/{agent_id}',
  pause_agent: 'post /projects/{project_id}/agents/{agent_id}/pause',
  resume_agent: 'post /projects/{project_id}/agents/{agent_id}/resume',
  terminate_agent: 'delete /projects/{project_id}/agents/{agent_id}',
  get_agent_metrics: 'get /projects/{project_id}/agents/{agent_id}/metrics',
}

describe.each(backends.slice(0, 1))('the OpenAPI document', (backend) => {
  const running = useApp(backend)
  let document: Document
  let operations: { method: string; path: string; operation: Operation }[]
  beforeAll(async () => {
    const answer = await running().rest.as(undefined).get<Document>('/openapi.json')
    expect(answer.status).toBe(200)
    document = answer.body
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
    )
  })

  it('has the nine agent routes under the seed’s operation ids', () => {
    expect(document.openapi).toMatch(/^3\.1/)
    const byId = new Map(
      operations.map(({ method, path, operation }) => [operation.operationId, `${method} ${path}`]),
    )
    for (const [id, route] of Object.entries(seed)) {
      expect(byId.get(id)).toBe(route.replace(' ', ' /api/v1'))
    }
  })

  it('is valid OpenAPI', async () => {
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true })
    const broken = { ...document, paths: { 'no-slash': 1 } }
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
  })

  it('names its schemas, and shows an example of each', () => {
    const { schemas } = document.components
    const wanted = ['Agent', 'AgentSummary', 'Project', 'User', 'AgentType', 'Issue', 'ApiKey', 'Webhook']
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining([...wanted, 'Event', 'Metrics', 'Error']))
    for (const [name, { examples }] of Object.entries(schemas)) {
      expect(examples, name).toEqual([expect.any(Object)])
    }
  })

  it('refers to the named schemas in bodies and answers, and to nothing that is missing', () => {
    const text = JSON.stringify(document)
    const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name))
    expect(new Set(Object.keys(document.components.schemas))).toEqual(used)
    const bodies = operations.flatMap(({ operation: { operationId, requestBody } }) =>
      requestBody && !JSON.stringify(requestBody).includes('"$ref"') ? [operationId] : [],
    )
    expect(bodies).toEqual([])
    expect(text).not.toContain('$defs')
  })

  it('names each operation once', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('describes routes that are there, each with every parameter of its path', async () => {
    for (const { method, path, operation } of operations) {
      const inPath = operation.parameters
        .filter((parameter) => parameter.in === 'path')
        .map(({ name }) => `{${name}}`)
      expect(inPath).toEqual(path.match(/\{\w+\}/g) ?? [])
      const url = path.replace('/api/v1', '').replaceAll(/\{\w+\}/g, UNKNOWN)
      const { status, body } = await running().rest.as(undefined).call<Failure>(method.toUpperCase(), url)
      const shown = `${method} ${path}: ${JSON.stringify(body)}`
      expect(shown).not.toContain('No such route')
      expect(status, shown).not.toBe(405)
      expect(status, shown).toBeLessThan(500)
      expect(Object.keys(operation.responses), shown).toContain(String(status))
    }
  })

  it('describes the statuses that its routes answer with credentials', async () => {
    for (const { method, path, operation } of operations) {
      const url = path.replace('/api/v1', '').replaceAll(/\{\w+\}/g, UNKNOWN)
      const body = operation.requestBody ? {} : undefined
      const { status } = await running().rest.call<unknown>(method.toUpperCase(), url, body)
      expect(Object.keys(operation.responses), `${method} ${path}: ${status}`).toContain(String(status))
    }
  })

  it('describes that a project with live agents is not deleted', async () => {
    const fleet = await createFleet(running().rest)
    await spawn(fleet)
    const { status } = await fleet.rest.delete(`/projects/${fleet.project_id}`)
    expect(status).toBe(409)
    expect(Object.keys(document.paths['/api/v1/projects/{id}']?.delete?.responses ?? {})).toContain('409')
  })

  it('has the schemas that the answers have', async () => {
    const fleet = await createFleet(running().rest)
    const one = await spawn(fleet, { cost_limit: 1 })
    expect(v.safeParse(agent, one).issues).toBeUndefined()
    const paused = await fleet.rest.post(`${fleet.agents}/${one.id}/pause`)
    expect(v.safeParse(agent, paused.body).issues).toBeUndefined()
    const metrics = await fleet.rest.get(`${fleet.agents}/metrics`)
    expect(v.safeParse(agentMetrics, metrics.body).issues).toBeUndefined()
  })

  it('is shown by a page that needs no other server', async () => {
    const { body, headers } = await running().rest.as(undefined).get<string>('/docs')
    expect(headers.get('content-type')).toContain('text/html')
    const assets = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '')
    expect(assets.length).toBeGreaterThan(0)
    for (const url of assets) {
      expect(url).toMatch(/^\/api\/v1\/docs\//)
      expect((await running().app.api.request(url, {}, {})).status).toBe(200)
    }
    expect((await running().rest.get('/docs/package.json')).status).toBe(404)
    expect((await running().rest.get('/docs/__proto__')).status).toBe(404)
  })
})
