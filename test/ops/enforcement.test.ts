import { spawn as spawnProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { backends, startApp } from '../support/backends.ts'
import { addKey, addToken } from '../support/cast.ts'
import { ModelApi } from '../support/model-api.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { freePort, portAnswers, untilAnswers } from '../support/services.ts'
import { readYaml, root } from './yaml-files.ts'

const { nginx, python } = inject('programs')
const folder = 'ops/enforcement'
const VERDICT = '/api/v1/verdict'
const read = (file: string) => readFileSync(`${root}${folder}/${file}`, 'utf8')

/** A Signalbox with agents, on a real port. */
class Fleets {
  readonly app: App
  readonly port: number
  readonly fleet: Fleet

  private constructor(app: App, port: number, fleet: Fleet) {
    this.app = app
    this.port = port
    this.fleet = fleet
  }

  static async start(): Promise<Fleets> {
    const app = await startApp((await backends[0]?.config()) ?? {})
    const { port } = await app.listen()
    return new Fleets(app, port, await createFleet(await Rest.of(app).signIn()))
  }

  async addAgent(): Promise<{
    agent: Agent
    token: string
    order: (action: 'pause' | 'resume') => Promise<unknown>
  }> {
    const agent = await spawn(this.fleet)
    const token = await addToken(this.fleet.rest, agent)
    const order = (action: string) => this.fleet.rest.post(`${this.fleet.agents}/${agent.id}/${action}`)
    return { agent, token, order }
  }

  terminate({ id }: Agent) {
    return this.fleet.rest.delete(`${this.fleet.agents}/${id}`)
  }
}

/** The example's own file, with names that resolve here. */
async function startNginx(signalbox: number, model: number) {
  const own = mkdtempSync(join(tmpdir(), 'signalbox-nginx-'))
  const port = await freePort()
  const config = read('nginx.conf')
    .replaceAll('/tmp/', `${own}/`)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replaceAll(/signalbox-\d:8080/g, `127.0.0.1:${signalbox}`)
    .replace('server api.openai.com:443', `server 127.0.0.1:${model}`)
    .replace('https://model', 'http://model')
  writeFileSync(join(own, 'nginx.conf'), config)
  const args = ['-p', own, '-c', join(own, 'nginx.conf'), '-g', 'daemon off; master_process off;']
  const running = spawnProcess(nginx ?? '', args, { stdio: 'ignore' })
  await untilAnswers(() => portAnswers(port))
  return {
    origin: `http://127.0.0.1:${port}`,
    async stop() {
      running.kill()
      await once(running, 'exit')
      rmSync(own, { recursive: true })
    },
  }
}

describe.skipIf(!nginx)('nginx in front of a model API', () => {
  let fleets: Fleets
  let model: ModelApi
  let proxy: Awaited<ReturnType<typeof startNginx>>
  beforeAll(async () => {
    fleets = await Fleets.start()
    model = await ModelApi.start()
    proxy = await startNginx(fleets.port, model.port)
  })
  afterAll(async () => {
    await proxy.stop()
    await model.stop()
    await fleets.app.stop()
  })

  const provider = { authorization: 'Bearer sk-of-the-provider' }
  const ask = (headers: Record<string, string>, path = '/v1/chat/completions?beta=true') =>
    fetch(proxy.origin + path, { method: 'POST', headers, body: 'a prompt'.repeat(5_000) })
  const refused = async (response: Response) => {
    const { calls } = model
    return { status: response.status, body: await response.json(), calls: calls.length }
  }
  const refusal = (status: number, code: string, message: string, calls: number) => ({
    status,
    body: { success: false, errors: [{ code, message, field: null }] },
    calls,
  })

  it('passes a stream on as it comes, with the key of the provider and without the token of Signalbox', async () => {
    const { token } = await fleets.addAgent()
    const response = await ask({ ...provider, 'x-signalbox-token': token })
    expect(response.status).toBe(200)
    const parts = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    // The model writes no more until this one has arrived.
    expect((await parts?.read())?.value).toBe('data: one\n\n')
    model.finish()
    expect((await parts?.read())?.value).toBe('data: two\n\n')
    const call = model.calls.at(-1)
    expect(call).toMatchObject({ path: '/v1/chat/completions?beta=true', body: 'a prompt'.repeat(5_000) })
    expect(call?.headers.authorization).toBe(provider.authorization)
    expect(call?.headers.host).toBe('api.openai.com')
    expect(JSON.stringify(call?.headers)).not.toMatch(/signalbox|sba_/i)
  })

  it('refuses the next request of an agent once it is paused, until it is resumed', async () => {
    const { token, order } = await fleets.addAgent()
    const headers = { ...provider, 'x-signalbox-token': token }
    const running = await ask(headers)
    await order('pause')
    const calls = model.calls.length
    expect(await refused(await ask(headers))).toEqual(refusal(403, 'RT_005', 'Agent is paused', calls))
    model.finish()
    expect(await running.text()).toBe('data: one\n\ndata: two\n\n')
    await order('resume')
    const resumed = await ask(headers)
    expect(resumed.status).toBe(200)
    await resumed.body?.cancel()
  })

  it('refuses a terminated agent', async () => {
    const { agent, token } = await fleets.addAgent()
    await fleets.terminate(agent)
    const response = await ask({ ...provider, 'x-signalbox-token': token })
    expect(await refused(response)).toEqual(refusal(403, 'RT_005', 'Agent is terminated', model.calls.length))
  })

  it('refuses who has no token of an agent', async () => {
    const { token } = await fleets.addAgent()
    const calls = model.calls.length
    const message = 'X-Signalbox-Token has no good token of an agent'
    const wrong: Record<string, string>[] = [
      {},
      provider,
      { authorization: `Bearer ${token}` },
      { 'x-signalbox-token': 'sba_x' },
    ]
    for (const headers of wrong)
      expect(await refused(await ask(headers))).toEqual(refusal(401, 'AUTH_003', message, calls))
    const { key } = await addKey(fleets.fleet.rest, { role: 'operator' })
    const other = 'This credential may not ask for a verdict'
    expect(await refused(await ask({ 'x-signalbox-token': key }))).toEqual(
      refusal(403, 'AUTH_004', other, calls),
    )
  })

  it('leaves refusals of the model API alone', async () => {
    const { token } = await fleets.addAgent()
    const response = await ask({ 'x-signalbox-token': token }, '/v1/refused')
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 403,
      body: '{"error":"quota"}',
    })
  })

  it('lets nothing pass while Signalbox is away', async () => {
    const { token } = await fleets.addAgent()
    const alone = await startNginx(await freePort(), model.port)
    try {
      const response = await fetch(`${alone.origin}/v1/models`, { headers: { 'x-signalbox-token': token } })
      expect(response.headers.get('retry-after')).toBe('1')
      const calls = model.calls.length
      expect(await refused(response)).toEqual(refusal(503, 'DB_001', 'Signalbox gave no verdict', calls))
    } finally {
      await alone.stop()
    }
  })
})

/** Stand-ins for what the callback imports, and one call of it for each line of the input. */
const callback = `
import asyncio, json, sys, types
for name in ['fastapi', 'litellm', 'litellm.integrations', 'litellm.integrations.custom_logger']:
    sys.modules[name] = types.ModuleType(name)
class HTTPException(Exception):
    def __init__(self, status_code, detail):
        self.answer = [status_code, detail['error']]
sys.modules['fastapi'].HTTPException = HTTPException
sys.modules['litellm.integrations.custom_logger'].CustomLogger = object
sys.path.insert(0, sys.argv[1])
from signalbox_verdict import hook
for line in sys.stdin:
    data = json.loads(line)
    try:
        print(json.dumps(asyncio.run(hook.async_pre_call_hook(None, None, data, 'completion'))))
    except HTTPException as refusal:
        print(json.dumps(refusal.answer))
`

describe.skipIf(!python)('the callback of LiteLLM', () => {
  let fleets: Fleets
  beforeAll(async () => {
    fleets = await Fleets.start()
  })
  afterAll(() => fleets.app.stop())

  async function run(port: number, calls: object[]): Promise<unknown[]> {
    const args = ['-B', '-c', callback, `${root}${folder}`]
    const env = { SIGNALBOX_URL: `http://127.0.0.1:${port}/` }
    const running = spawnProcess(python ?? '', args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
    running.stdin.end(calls.map((call) => `${JSON.stringify(call)}\n`).join(''))
    const lines: Buffer[] = await running.stdout.toArray()
    return Buffer.concat(lines)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }

  it('lets the calls of agents pass that may run, without their token, and no others', async () => {
    const [one, two, three] = [await fleets.addAgent(), await fleets.addAgent(), await fleets.addAgent()]
    await two.order('pause')
    await fleets.terminate(three.agent)
    const call = (token: string) => {
      const headers = { 'x-signalbox-token': token, accept: 'text/plain' }
      return {
        model: 'gpt',
        proxy_server_request: { headers },
        metadata: { headers },
        litellm_metadata: null,
      }
    }
    const headers = { accept: 'text/plain' }
    const calls = [call(one.token), call(two.token), call(three.token), call('sba_x'), { model: 'gpt' }]
    expect(await run(fleets.port, calls)).toEqual([
      { model: 'gpt', proxy_server_request: { headers }, metadata: { headers }, litellm_metadata: null },
      [403, 'Agent is paused'],
      [403, 'Agent is terminated'],
      [401, 'The key is not valid'],
      [401, 'Credentials are required'],
    ])
  })

  it('lets nothing pass while Signalbox is away', async () => {
    expect(await run(await freePort(), [{ model: 'gpt' }])).toEqual([[503, 'Signalbox gave no verdict']])
  })

  it('is the one that the configuration of the proxy names', () => {
    const config = readYaml(
      `${folder}/litellm.yaml`,
      v.object({
        litellm_settings: v.object({ callbacks: v.string() }),
        general_settings: v.looseObject({ forward_client_headers_to_llm_api: v.literal(false) }),
      }),
    )
    const [module, name] = config.litellm_settings.callbacks.split('.')
    expect(read(`${module}.py`)).toContain(`\n${name} = `)
  })
})

describe('the examples for other proxies', () => {
  it('let Envoy ask below the path of the verdict, with the token alone, and close when there is no answer', () => {
    const typed = v.looseObject({ '@type': v.string() })
    const filter = v.looseObject({ name: v.string(), typed_config: typed })
    const manager = v.looseObject({
      ...typed.entries,
      http_filters: v.array(filter),
      route_config: v.looseObject({
        virtual_hosts: v.array(v.looseObject({ request_headers_to_remove: v.array(v.string()) })),
      }),
    })
    const listener = v.looseObject({
      filter_chains: v.tuple([
        v.looseObject({ filters: v.tuple([v.looseObject({ typed_config: manager })]) }),
      ]),
    })
    const { static_resources } = readYaml(
      `${folder}/envoy.yaml`,
      v.object({
        static_resources: v.looseObject({
          listeners: v.tuple([listener]),
          clusters: v.array(v.looseObject({ name: v.string() })),
        }),
      }),
    )
    const { http_filters, route_config } =
      static_resources.listeners[0].filter_chains[0].filters[0].typed_config
    expect(http_filters.map(({ name }) => name.split('.').at(-1))).toEqual(['ext_authz', 'router'])
    expect(http_filters[0]?.typed_config).toMatchObject({
      failure_mode_allow: false,
      allowed_headers: { patterns: [{ exact: 'x-signalbox-token' }] },
      disallowed_headers: { patterns: [{ exact: 'authorization' }] },
      http_service: { path_prefix: VERDICT, server_uri: { cluster: 'signalbox' } },
    })
    for (const host of route_config.virtual_hosts)
      expect(host.request_headers_to_remove).toEqual(['x-signalbox-token'])
    expect(static_resources.clusters.map(({ name }) => name)).toEqual(['signalbox', 'model'])
  })

  it('let Traefik ask with the token, and then remove it', () => {
    const { http } = readYaml(
      `${folder}/traefik.yaml`,
      v.object({
        http: v.object({
          routers: v.object({
            models: v.looseObject({ middlewares: v.array(v.string()), service: v.string() }),
          }),
          middlewares: v.record(v.string(), v.looseObject({})),
          services: v.record(v.string(), v.looseObject({})),
        }),
      }),
    )
    const { middlewares, service } = http.routers.models
    expect(middlewares.map((name) => http.middlewares[name])).toEqual([
      {
        forwardAuth: {
          address: `http://signalbox:8080${VERDICT}`,
          authRequestHeaders: ['X-Signalbox-Token'],
          trustForwardHeader: false,
        },
      },
      { headers: { customRequestHeaders: { 'X-Signalbox-Token': '' } } },
    ])
    expect(Object.keys(http.services)).toEqual([service])
  })
})
