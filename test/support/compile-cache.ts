import { fileURLToPath } from 'node:url'

/**
 * For processes of tests: Node keeps what it has compiled here, which takes a third off the start of each. `bench/` measures
 * without it.
 */
export const compileCache: Readonly<Record<string, string>> = process.env.VITEST
  ? {
      NODE_COMPILE_CACHE: fileURLToPath(
        new URL('../../node_modules/.cache/signalbox/compiled', import.meta.url),
      ),
    }
  : {}
