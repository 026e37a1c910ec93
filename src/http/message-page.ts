import { html, raw } from 'hono/html'
import type { AsyncApi } from './asyncapi.ts'
import { API_BASE } from './router.ts'

type Html = ReturnType<typeof html>
type Schema = {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  description?: string
  [keyword: string]: unknown
}

const style = raw(`
:root { color-scheme: light dark; --line: light-dark(#d9d6cc, #34403c); --soft: light-dark(#545d59, #b0bab5) }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem; max-width: 62rem }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) }
h3 { margin: 2rem 0 0; font-family: ui-monospace, monospace }
p { margin: .25rem 0 .75rem; color: var(--soft) }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem; table-layout: fixed; min-width: 28rem }
th:last-child { width: 50% }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td:first-child { font-family: ui-monospace, monospace; white-space: nowrap }
pre { overflow-x: auto; font-size: .8rem }
.frame { max-height: 24rem; padding: .75rem 1rem; border: 1px solid var(--line); border-radius: .5rem }
summary { cursor: pointer; font-size: .9rem; padding: .4rem 0 }
`)

const titles = { receive: 'From the client', send: 'From the server' } as const

/** The WebSocket's messages to read, at `/api/v1/docs/websocket`: the AsyncAPI document as a page without scripts. */
export function createMessagePage({ info, operations, components }: AsyncApi): Html {
  const section = (name: keyof typeof titles): Html => {
    const names = operations[name].messages.map(({ $ref }) => $ref.split('/').at(-1) ?? '')
    return html`<h2>${titles[name]}</h2>
      ${names.map((message) => toArticle(message, components.messages[message]))}`
  }
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Signalbox WebSocket</title>
<style>${style}</style>
</head>
<body>
<h1>Signalbox over the WebSocket</h1>
<p>${info.description} Version ${info.version}. Programs read <a href="${API_BASE}/asyncapi.json">the AsyncAPI document</a>;
<a href="${API_BASE}/docs">REST has its own page</a>.</p>
${section('receive')}
${section('send')}
</body>
</html>`
}

function toArticle(name: string, message: AsyncApi['components']['messages'][string] | undefined): Html {
  if (!message) throw new Error(`the document has no message ${name}`)
  const { properties = {}, required = [] } = message.payload as Schema
  return html`<article id="${name}">
<h3>${name}</h3>
<p>${message.summary}</p>
<div class="table"><table>
<thead><tr><th>field</th><th>type</th><th>meaning</th></tr></thead>
<tbody>${Object.entries(properties).map(
    ([field, schema]) =>
      html`<tr><td>${field}</td><td>${toType(schema)}</td><td>${toMeaning(schema, required.includes(field))}</td></tr>`,
  )}</tbody>
</table></div>
<pre class="frame">${message.examples.map(({ payload }) => JSON.stringify(payload, null, 2)).join('\n')}</pre>
<details><summary>JSON Schema</summary><pre>${JSON.stringify(message.payload, null, 2)}</pre></details>
</article>`
}

function toMeaning({ description }: Schema, isRequired: boolean): string {
  return [isRequired ? undefined : 'Optional', description].filter((part) => part !== undefined).join('. ')
}

/** A few words; the JSON Schema below has the rest. */
function toType(schema: Schema): string {
  const { type, items, anyOf, properties } = schema
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (anyOf) return [...new Set(anyOf.map(toType))].join(' | ')
  if (type === 'array') return items ? `array of ${toType(items)}` : 'array'
  if (properties) {
    const names = Object.keys(properties)
    return names.length > 8 ? `{ ${names.slice(0, 8).join(', ')}, … }` : `{ ${names.join(', ')} }`
  }
  return [type ?? 'any'].flat().join(' | ')
}
