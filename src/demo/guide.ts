import { relative } from 'node:path'
import type { Credentials } from './client.ts'
import type { Fleet } from './fleet.ts'

type Shown = Credentials & { origin: string }

/** What a newcomer needs: the dashboard, how to sign in, how to look, how to watch, how to act, where the docs are. */
export function describeDemo({ lines }: Fleet, { origin, email, password }: Shown): string {
  const api = `${origin}/api/v1`
  const agents = lines.reduce((sum, { agent_ids }) => sum + agent_ids.length, 0)
  const [first] = lines
  const project = `${api}/projects/${first?.project.id}`
  const login = quote(JSON.stringify({ email, password }))
  return `
Signalbox demo: ${agents} agents in ${lines.length} projects at ${origin}   (Ctrl-C ends it)

Dashboard, to see and steer it all:
  ${origin}   (${email}, password ${password})

${lines.map(({ project }) => `  ${project.name.padEnd(16)} ${project.id}`).join('\n')}

Docs, to read and to try out:
  ${api}/docs

Sign in (a token is good for 15 minutes):
  TOKEN=$(curl -s ${api}/auth/login -H 'content-type: application/json' \\
    -d ${login} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

Look:
  curl -s ${project}/agents/metrics -H "authorization: Bearer $TOKEN"

Watch ${first?.project.name} live:
  TOKEN=$TOKEN ${quoteIfNeeded(nodePath())} -e ${quote(watchScript(origin, first?.project.id ?? ''))}

Pause one:
  AGENT=$(curl -s '${project}/agents?status=working&limit=1' \\
    -H "authorization: Bearer $TOKEN" | sed 's/.*"data":\\[{"id":"\\([^"]*\\)".*/\\1/')
  curl -s -X POST ${project}/agents/$AGENT/pause -H "authorization: Bearer $TOKEN"
`
}

/** With the WebSocket that Node has built in. */
function watchScript(origin: string, project_id: string): string {
  const url = `${origin.replace(/^http/, 'ws')}/api/v1/ws`
  return [
    `const ws = new WebSocket("${url}", "signalbox.v1"), send = (m) => ws.send(JSON.stringify(m));`,
    'ws.onopen = () => send({ type: "auth", token: process.env.TOKEN });',
    'ws.onclose = (e) => console.log("closed", e.code);',
    'ws.onmessage = ({ data }) => { const m = JSON.parse(data);',
    `if (m.type === "authenticated") send({ type: "subscribe", project_id: "${project_id}" });`,
    'else if (m.type === "event") console.log(m.seq, m.name, m.agent.name, m.agent.status, m.agent.tokens_used);',
    'else console.log(m.type, m.message ?? m.agents?.length ?? "") }',
  ].join(' ')
}

/** This very Node: the one on the reader's path may be too old to have a WebSocket. */
function nodePath(): string {
  const near = relative(process.cwd(), process.execPath)
  return near.startsWith('..') ? process.execPath : `./${near}`
}

function quoteIfNeeded(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : quote(text)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
