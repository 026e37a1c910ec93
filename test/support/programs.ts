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
  }
}
