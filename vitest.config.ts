import { defineConfig } from 'vitest/config'

const shared = {
  // A database has to come up first; a test itself takes far less.
  hookTimeout: 60_000,
  testTimeout: 60_000,
  pool: 'forks',
} as const

/**
 * Not beside others: these tell how late others are served meanwhile, or what a browser draws, and what else the
 * machine does must not count, or which alerts fire; or they build `dist/`, from which the page of others comes.
 */
const alone = [
  'test/fuzz/**/*.test.ts',
  'test/dashboard/**/*.test.ts',
  'test/client/package.test.ts',
  'test/ops/alerts.test.ts',
  'test/faults/sign-in.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'alone',
          include: alone,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
