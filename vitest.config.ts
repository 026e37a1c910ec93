import { defineConfig } from 'vitest/config'

const shared = {
  // A database has to come up first; a test itself takes far less.
  hookTimeout: 60_000,
  testTimeout: 60_000,
  pool: 'forks',
} as const

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: ['test/fuzz/**', 'test/dashboard/**'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // They tell how late others are served meanwhile, and what a browser draws: what else the machine does
        // must not count.
        test: {
          ...shared,
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts', 'test/dashboard/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
