import type { TestProject } from 'vitest/node'
import { buildDashboardIfStale } from '../../build-dashboard.ts'
import { dropTestDatabases } from './databases.ts'
import { hasPreviousRelease } from './previous-release.ts'
import { findPrograms, type Programs } from './programs.ts'
import { findServices, type Services } from './services.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    services: Pick<Services, 'database_url' | 'redis_url'>
    programs: Programs
    run: string
  }
}

/** Finds the servers and programs to test with, once for all files; says at the end what was not run without them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await findServices(process.env)
  const programs = findPrograms(process.env)
  const missing = [
    ...services.missing,
    ...(programs.chromium ? [] : ['Chromium']),
    ...(programs.redis_server ? [] : ['redis-server']),
    // Debian has both programs in one package.
    ...(programs.prometheus && programs.promtool ? [] : ['Prometheus']),
  ]
  if (missing.length > 0 && process.env.CI === 'true') {
    await services.stop()
    throw new Error(`with CI=true all of them have to be there; missing: ${missing.join(', ')}`)
  }
  const run = `${process.pid}`
  project.provide('services', { database_url: services.database_url, redis_url: services.redis_url })
  project.provide('programs', programs)
  await buildDashboardIfStale()
  project.provide('run', run)
  return async () => {
    if (services.database_url) await dropTestDatabases(services.database_url, run)
    await services.stop()
    // Illustrations and second opinions are not worth a failure.
    const optional = {
      Python: programs.python,
      nginx: programs.nginx,
      kubectl: programs.kubectl,
      'docker-compose': programs.docker_compose,
      'the previous release (in the history of git)': hasPreviousRelease(),
    }
    const absent = [...missing, ...Object.entries(optional).flatMap(([name, found]) => (found ? [] : [name]))]
    if (absent.length > 0) {
      console.log(`\nNOT RUN: every suite that needs ${absent.join(' or ')} (none found)\n`)
    }
  }
}
