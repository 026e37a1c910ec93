import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context, Hono } from 'hono'
import { refuse } from '#src/domain/errors.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse } from './errors.ts'

/** Resolved from the package's root, so that source and bundle find the same folder. */
const folder = join(
  dirname(createRequire(import.meta.url).resolve('signalbox/package.json')),
  'dist/dashboard',
)

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Only scripts, styles and connections of this server, nothing inline; no string becomes markup. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

type File = { type: string; plain: Buffer<ArrayBuffer>; gzipped: Buffer<ArrayBuffer> }

/** The page at `/` and its assets, which have their hashes in their names and so may be cached for ever. */
export function addDashboardRoutes(app: Hono<HttpEnv>): void {
  const find = createFinder()
  app.get('/', async (c) => {
    const page = await find('index.html')
    if (!page) return errorResponse(c, refuse('not_found', 'The dashboard is not built: run npm run build'))
    c.header('Content-Security-Policy', policy)
    return send(c, page, 'no-cache')
  })
  app.get('/assets/:name', async (c) => {
    const file = await find(`assets/${c.req.param('name')}`)
    if (!file) return errorResponse(c, refuse('not_found', 'No such route'))
    return send(c, file, 'public, max-age=31536000, immutable')
  })
}

function send(c: Context<HttpEnv>, { type, plain, gzipped }: File, caching: string): Response {
  const isZipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
  c.header('Content-Type', type)
  c.header('Cache-Control', caching)
  c.header('Vary', 'Accept-Encoding')
  if (isZipped) c.header('Content-Encoding', 'gzip')
  return c.body(isZipped ? gzipped : plain)
}

/** Looks a name up among the built files: a request never becomes a path. The first request reads all files. */
function createFinder(): (name: string) => Promise<File | undefined> {
  let files: Map<string, File> | undefined
  return async (name) => {
    files ??= await readFiles()
    return files?.get(name)
  }
}

const zip = promisify(gzip)

/** Undefined if nothing is built. */
async function readFiles(): Promise<Map<string, File> | undefined> {
  const entries = await readdir(folder, { recursive: true }).catch(() => [])
  if (entries.length === 0) return undefined
  const files = new Map<string, File>()
  for (const name of entries) {
    const type = types[extname(name)]
    if (!type) continue
    const plain = await readFile(join(folder, name))
    files.set(name, { type, plain, gzipped: await zip(plain) })
  }
  return files
}
