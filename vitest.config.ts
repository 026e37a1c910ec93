import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // A database has to come up first; a test itself takes far less.
    hookTimeout: 60_000,
    testTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
