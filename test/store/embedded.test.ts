import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApp } from '../support/backends.ts'
import { type Agent, createFleet, Rest, spawn } from '../support/rest.ts'

describe('the embedded database', () => {
  let dataDir: string
  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'signalbox-embedded-'))
  })
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

  it('keeps everything over a restart, including tokens and the numbering of events', async () => {
    const first = await startApp({ dataDir, secretKeys: undefined })
    const rest = await Rest.of(first).signIn()
    const fleet = await createFleet(rest)
    const agent = await spawn(fleet, { short_term_memory: { a: 1 } })
    await first.stop()

    const second = await startApp({ dataDir, secretKeys: undefined })
    const again = { ...fleet, rest: Rest.of(second).as(rest.token) }
    expect((await again.rest.get<Agent>(`${fleet.agents}/${agent.id}`)).body).toEqual(agent)
    expect((await spawn(again)).seq).toBe(2)
    expect((await second.api.request('/readyz', {}, {})).status).toBe(200)
    await second.stop()
  })
})
