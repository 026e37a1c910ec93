import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Agent, createApi } from '#src/client/rest/rest.ts'
import { admin } from '../support/admin.ts'
import { sharedBackends } from '../support/backends.ts'
import { freePort } from '../support/services.ts'

const main = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url))

describe.each(sharedBackends)('the demo on $name', (backend) => {
  it('has a runtime for each agent, a tree in each project, and an operator of its fleet; most agents obey a pause, and one says why it cannot', async () => {
    const [{ databaseUrl = '' }, port] = [await backend.config(), await freePort()]
    const dataDir = mkdtempSync(join(tmpdir(), 'signalbox-demo-'))
    const demo = spawn(process.execPath, [main], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: databaseUrl,
        DATA_DIR: dataDir,
        PORT: String(port),
        SECRET_KEY: 'a secret key for tests, of a good length',
        ADMIN_EMAIL: admin.email,
        ADMIN_PASSWORD: admin.password,
      },
    })
    onTestFinished(() => {
      demo.kill('SIGKILL')
      rmSync(dataDir, { recursive: true })
    })
    const exited = new Promise((resolve) => demo.once('exit', resolve))
    const lines = createInterface({ input: demo.stdout })
    await new Promise<void>((resolve) => lines.on('line', (line) => line.includes('working') && resolve()))

    const url = `http://127.0.0.1:${port}`
    const { access_token: token } = await createApi({ url }).auth.login(admin)
    const api = createApi({ url, token })
    const { data: projects } = await api.projects.list({ limit: 100 })
    const read = async () => {
      const lists = await Promise.all(projects.map(({ id }) => api.agents.list(id, { limit: 100 })))
      return lists.flatMap(({ data }) => data).filter(({ status }) => status !== 'terminated')
    }
    const agents = await read()
    expect(agents.every(({ runtime, external_id }) => runtime.connected && external_id)).toBe(true)
    const parentOf = ({ parent_id }: Agent) => agents.find(({ id }) => id === parent_id)
    const grandchildren = agents.filter((agent) => {
      const parent = parentOf(agent)
      return parent && parentOf(parent)
    })
    expect(grandchildren.map((agent) => parentOf(parentOf(agent) as Agent)?.labels)).toEqual(
      projects.map(() => ({ role: 'control' })),
    )
    for (const { id } of projects) await api.agents.actOnMany(id, { action: 'pause', all: true })
    const states = async () => new Set((await read()).map(({ control }) => control?.state))
    const has = async (state: 'done' | 'delivered' | 'failed') => (await states()).has(state)
    await expect.poll(() => has('done'), { timeout: 20_000 }).toBe(true)
    expect(await has('delivered')).toBe(true)
    await expect.poll(() => has('failed'), { timeout: 20_000 }).toBe(true)
    const logs = await Promise.all(projects.map(({ id }) => api.events.list(id, { limit: 1_000 })))
    const spawned = logs.flatMap(({ data }) => data).filter(({ name }) => name === 'agent.spawned')
    expect(new Set(spawned.map(({ actor }) => actor.kind))).toEqual(new Set(['api_key']))
    demo.kill('SIGTERM')
    expect(await exited).toBe(0)
  })
})
