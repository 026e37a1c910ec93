import { execFile } from 'node:child_process'
import { createServer, request, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backends } from '../support/backends.ts'
import { Stage } from '../support/stage.ts'

const suite = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js')

/** These call tools, prompts and resources with names of their own, which a server has only for this suite. */
const FIXTURES = 'it needs fixtures'
/** What Signalbox does not offer and so does not declare. */
const NOT_OFFERED = 'it tests what Signalbox does not offer'

/** The scenarios that fail, with the reason and the number of their checks that do; all others pass. */
const expected: Record<string, { why: string; checks: number }> = Object.fromEntries([
  ...[
    'tools-call-simple-text',
    'tools-call-image',
    'tools-call-audio',
    'tools-call-embedded-resource',
    'tools-call-mixed-content',
    'tools-call-with-logging',
    'tools-call-error',
    'tools-call-with-progress',
    'tools-call-sampling',
    'tools-call-elicitation',
    'json-schema-2020-12',
    'elicitation-sep1034-defaults',
    'elicitation-sep1330-enums',
    'resources-read-text',
    'resources-read-binary',
    'resources-templates-read',
    'prompts-get-simple',
    'prompts-get-with-args',
    'prompts-get-embedded-resource',
    'prompts-get-with-image',
    'input-required-result-basic-elicitation',
    'input-required-result-basic-sampling',
    'input-required-result-basic-list-roots',
    'input-required-result-request-state',
    'input-required-result-multiple-input-requests',
    'input-required-result-multi-round',
    'input-required-result-non-tool-request',
    'input-required-result-result-type',
    'input-required-result-tampered-state',
    'input-required-result-capability-check',
  ].map((name) => [name, { why: FIXTURES, checks: 1 }]),
  // Each "not testable" without a tool of the suite.
  ['server-stateless', { why: FIXTURES, checks: 4 }],
  ['http-custom-header-server-validation', { why: FIXTURES, checks: 5 }],
  ['logging-set-level', { why: NOT_OFFERED, checks: 1 }],
  ['completion-complete', { why: NOT_OFFERED, checks: 1 }],
  // Over HTTP nothing outlasts a request; on stdio resources can be followed.
  ['resources-subscribe', { why: NOT_OFFERED, checks: 1 }],
  ['resources-unsubscribe', { why: NOT_OFFERED, checks: 1 }],
  [
    'dns-rebinding-protection',
    { why: 'a server is reached by any name, and a rebound page has no bearer token', checks: 1 },
  ],
])

describe.each(backends.slice(-1))('the conformance suite of MCP', (backend) => {
  let stage: Stage
  let front: Server
  beforeAll(async () => {
    stage = await Stage.start(backend)
    front = await addCredentials(stage)
  })
  afterAll(async () => {
    front.close()
    await stage.stop()
  })

  it.each([
    ['2025-11-25', ['--suite', 'all', '--spec-version', '2025-11-25']],
    ['2026-07-28', ['--requirements', '2026-07-28']],
  ])('finds what applies of %s as it should be', async (_, which) => {
    const { port } = front.address() as AddressInfo
    const args = [suite, 'server', '--url', `http://127.0.0.1:${port}/api/v1/mcp`, ...which]
    // It fails as its scenarios do; what it prints tells them apart.
    const { stdout } = await promisify(execFile)(process.execPath, args).catch(
      (error: { stdout: string }) => error,
    )
    const scenarios = [...stdout.matchAll(/^[✓✗] ([\w-]+): \d+ passed, (\d+) failed$/gm)]
      .map(([, name = '', failed]) => ({ name, failed: Number(failed) }))
      // Tasks are an extension, which does not count.
      .filter(({ name }) => !name.startsWith('tasks-'))
    expect(scenarios.length).toBeGreaterThan(30)
    const failed = scenarios.map(({ name, failed }) => [name, failed])
    expect(failed).toEqual(scenarios.map(({ name }) => [name, expected[name]?.checks ?? 0]))
  })
})

/** The suite sends no credentials, so this adds them on the way. */
async function addCredentials(stage: Stage): Promise<Server> {
  const authorization = `Bearer ${stage.superuser.token}`
  const front = createServer((asked, answer) => {
    const { method = '', headers, url } = asked
    const init = { method, headers: { ...headers, authorization } }
    const passed = request(`${stage.origins[0]}${url}`, init, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    asked.pipe(passed)
    passed.on('error', () => answer.destroy())
    answer.on('close', () => passed.destroy())
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  return front
}
