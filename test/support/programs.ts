import { spawnSync } from 'node:child_process'
import { findInPath } from './services.ts'

/** Programs that single tests run; undefined: not installed. */
export type Programs = Record<keyof typeof names, string | undefined>

const names = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  python: ['python3'],
  redis_server: ['redis-server'],
  prometheus: ['prometheus'],
  promtool: ['promtool'],
  nginx: ['nginx'],
  kubectl: ['kubectl'],
  docker_compose: ['docker-compose'],
  // Debian has it where the path of root alone may lead.
  pgbouncer: ['pgbouncer', '../sbin/pgbouncer'],
  faketime: ['faketime'],
  unshare: ['unshare'],
  curl: ['curl'],
} as const satisfies Record<string, readonly string[]>

export function findPrograms(env: NodeJS.ProcessEnv): Programs {
  const find = (program: keyof Programs) => names[program].map(findInPath).find((path) => path !== undefined)
  return {
    chromium: env.TEST_CHROMIUM ?? find('chromium'),
    python: find('python'),
    redis_server: find('redis_server'),
    prometheus: find('prometheus'),
    promtool: find('promtool'),
    nginx: find('nginx'),
    kubectl: find('kubectl'),
    docker_compose: find('docker_compose'),
    pgbouncer: find('pgbouncer'),
    unshare: mayUnshare(find('unshare')),
    faketime: find('faketime'),
    curl: find('curl'),
  }
}

/** Namespaces and mounts are for root, and not in every container. */
function mayUnshare(program: string | undefined): string | undefined {
  if (program === undefined) return undefined
  const args = ['--mount', '--pid', '--fork', 'mount', '-t', 'tmpfs', 'none', '/mnt']
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0 ? program : undefined
}
