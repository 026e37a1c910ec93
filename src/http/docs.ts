import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Hono } from 'hono'
import { refuse } from '#src/domain/errors.ts'
import type { AsyncApi } from './asyncapi.ts'
import type { HttpEnv } from './env.ts'
import { errorResponse } from './errors.ts'
import { createMessagePage } from './message-page.ts'
import { API_BASE } from './router.ts'

/** Resolved from the package's root, so that source and bundle find the same folder. */
const folder = join(
  dirname(createRequire(import.meta.url).resolve('signalbox/package.json')),
  'dist/swagger-ui',
)

const types: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
}

const start = `window.ui = SwaggerUIBundle({
  url: '${API_BASE}/openapi.json', dom_id: '#docs', validatorUrl: null, deepLinking: true,
})`

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Signalbox API</title>
<link rel="stylesheet" href="${API_BASE}/docs/swagger-ui.css">
</head>
<body>
<p style="margin: 1rem 1.5rem 0; font: 1rem system-ui">The REST API. <a href="${API_BASE}/docs/websocket">The WebSocket’s messages have their own page</a>.</p>
<div id="docs"></div>
<script src="${API_BASE}/docs/swagger-ui-bundle.js"></script>
<script src="${API_BASE}/docs/start.js"></script>
</body>
</html>
`

/** Everything comes from this server, so the page works without the internet. */
const policy =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

/** The pages at `/api/v1/docs`: REST to try out, and the WebSocket's messages. */
export function addDocsRoutes(app: Hono<HttpEnv>, messages: AsyncApi): void {
  const messagePage = createMessagePage(messages)
  app.get(`${API_BASE}/docs/websocket`, (c) => {
    c.header('Content-Security-Policy', policy)
    return c.html(messagePage)
  })
  app.get(`${API_BASE}/docs`, (c) => {
    c.header('Content-Security-Policy', policy)
    return c.html(page)
  })
  app.get(`${API_BASE}/docs/start.js`, (c) =>
    c.body(start, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }),
  )
  app.get(`${API_BASE}/docs/:file`, async (c) => {
    const file = c.req.param('file')
    const type = Object.hasOwn(types, file) ? types[file] : undefined
    if (!type) return errorResponse(c, refuse('not_found', 'No such route'))
    const text = await readFile(join(folder, file)).catch(() => undefined)
    if (!text) return errorResponse(c, refuse('not_found', 'The page is not built: run npm run build'))
    return c.body(text, 200, {
      'Content-Type': type,
      'Cache-Control': 'public, max-age=3600',
    })
  })
}
