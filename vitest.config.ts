import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'

const shared = {
  // A database has to come up first; a test itself takes far less.
  hookTimeout: 60_000,
  testTimeout: 60_000,
  pool: 'forks',
  // A condition that comes late on a busy machine is no failure. The time of a test is.
  expect: { poll: { timeout: 10_000 } },
} as const

/** Of two cores, because many tests wait for a time to pass. */
const BESIDE = 3

/**
 * Not beside others: these tell how late others are served meanwhile, or what a browser draws, and what else the
 * machine does must not count, or which alerts fire; or they build `dist/`, from which the page of others comes.
 */
const alone = [
  'test/fuzz/**/*.test.ts',
  'test/dashboard/**/*.test.ts',
  'test/packages/packages.test.ts',
  'test/ops/alerts.test.ts',
  'test/faults/sign-in.test.ts',
  // Each of these has up to half of the connections that PostgreSQL allows by default.
  'test/client/survival.test.ts',
  'test/faults/locked-project.test.ts',
  'test/faults/rolling-upgrade.test.ts',
  'test/faults/silent-database.test.ts',
]

/** The frameworks that agents are made with are large, so they have a workspace of their own: `npm ci --prefix test/adapters`. */
const frameworks = join(import.meta.dirname, 'test/adapters')

/** Programs import the client as from its package, and the adapters find the frameworks as in the folder of a program. */
const asInstalled: Plugin = {
  name: 'as-installed',
  enforce: 'pre',
  resolveId(id, importer) {
    const source = join(import.meta.dirname, 'src/client')
    const [, adapter] = /^signalbox\/client(?:\/(.+))?$/.exec(id) ?? [undefined, null]
    if (adapter !== null) return join(source, adapter ? `adapters/${adapter}.ts` : 'index.ts')
    if (id === '@langchain/openai') return join(frameworks, 'support/fake-langchain.ts')
    if (id === '@anthropic-ai/claude-agent-sdk' && importer?.startsWith(source)) {
      return join(frameworks, 'support/fake-claude.ts')
    }
    if (!importer?.startsWith(join(source, 'adapters')) || /^[.#/\0]/.test(id)) return null
    return this.resolve(id, join(frameworks, 'package.json'), { skipSelf: true })
  },
}

/** `npm run fuzz`. */
const fuzz = { env: { FUZZ_RUNS: '20000' } }

export default defineConfig(({ mode }) => ({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    projects: [
      {
        test: {
          ...shared,
          ...(mode === 'fuzz' && fuzz),
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [...alone, 'test/adapters/**'],
          maxWorkers: BESIDE,
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: [asInstalled],
        test: {
          ...shared,
          name: 'adapters',
          include: existsSync(join(frameworks, 'node_modules')) ? ['test/adapters/*.test.ts'] : [],
          maxWorkers: BESIDE,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          ...(mode === 'fuzz' && fuzz),
          name: 'alone',
          include: alone,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
}))
