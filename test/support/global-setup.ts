import { existsSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { buildPagesIfStale } from '../../build-dashboard.ts'
import { dropTestDatabases } from './databases.ts'
import { makeEmbeddedImage } from './embedded-image.ts'
import { hasPreviousRelease } from './previous-release.ts'
import { findPrograms, type Programs } from './programs.ts'
import { findServices, type Services } from './services.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    services: Pick<Services, 'databaseUrl' | 'redisUrl'>
    programs: Programs
    /** The path of a migrated embedded database. */
    embeddedImage: string
    run: string
  }
}

const frameworks = new URL('../adapters/node_modules', import.meta.url)

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
    ...(existsSync(frameworks) ? [] : ['agent frameworks (npm ci --prefix test/adapters)']),
  ]
  if (missing.length > 0 && process.env.CI === 'true') {
    await services.stop()
    throw new Error(`with CI=true all of them have to be there; missing: ${missing.join(', ')}`)
  }
  const run = `${process.pid}`
  project.provide('services', { databaseUrl: services.databaseUrl, redisUrl: services.redisUrl })
  project.provide('programs', programs)
  await buildPagesIfStale()
  project.provide('embeddedImage', await makeEmbeddedImage())
  project.provide('run', run)
  return async () => {
    if (services.databaseUrl) await dropTestDatabases(services.databaseUrl, run)
    await services.stop()
    // Illustrations and second opinions are not worth a failure.
    const optional = {
      Python: programs.python,
      nginx: programs.nginx,
      kubectl: programs.kubectl,
      'docker-compose': programs.docker_compose,
      PgBouncer: programs.pgbouncer,
      faketime: programs.faketime,
      curl: programs.curl,
      'namespaces of their own (unshare, as root)': programs.unshare,
      'the previous release (in the history of git)': hasPreviousRelease(),
    }
    const absent = [...missing, ...Object.entries(optional).flatMap(([name, found]) => (found ? [] : [name]))]
    if (absent.length > 0) {
      console.log(`\nNOT RUN: every suite that needs ${absent.join(' or ')} (none found)\n`)
    }
  }
}
