import type { TestProject } from 'vitest/node'
import { dropTestDatabases } from './databases.ts'
import { findServices, type Services } from './services.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    services: Pick<Services, 'database_url' | 'redis_url'>
    run: string
  }
}

/** Finds the servers to test with, once for all files; says at the end what could not be run without them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await findServices(process.env)
  if (services.missing.length > 0 && process.env.CI === 'true') {
    await services.stop()
    throw new Error(`with CI=true every server has to be there; missing: ${services.missing.join(', ')}`)
  }
  const run = `${process.pid}`
  project.provide('services', { database_url: services.database_url, redis_url: services.redis_url })
  project.provide('run', run)
  return async () => {
    if (services.database_url) await dropTestDatabases(services.database_url, run)
    await services.stop()
    if (services.missing.length > 0) {
      console.log(`\nNOT RUN: every suite that needs ${services.missing.join(' and ')} (none found)\n`)
    }
  }
}
