import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The client as a page gets it: one minified script. `external` is left out of it. */
export async function bundleClient(format: 'es' | 'iife', external: string[]): Promise<string> {
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      write: false,
      minify: true,
      target: 'es2023',
      lib: { entry: 'src/client/index.ts', name: 'signalbox', formats: [format] },
      rolldownOptions: { external },
    },
  })
  const [output] = Array.isArray(built) ? built : []
  const [chunk] = output?.output ?? []
  if (chunk?.type !== 'chunk') throw new Error('the client was not built')
  return chunk.code
}
