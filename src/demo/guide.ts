import { relative } from 'node:path'
import * as cast from './cast.ts'
import type { Credentials } from './client.ts'
import type { Fleet } from './fleet.ts'

type Shown = Credentials & { origin: string }

/** What the demo prints: where the dashboard and the documents are, and how to sign in, read, watch and act. */
export function describeDemo(fleet: Fleet, { origin, email, password }: Shown): string {
  const api = `${origin}/api/v1`
  const agents = fleet.reduce((sum, { members }) => sum + members.size, 1)
  const [first] = fleet
  const project = `${api}/projects/${first?.project.id}`
  const login = quote(JSON.stringify({ email, password }))
  return `
Signalbox demo: ${agents} agents in ${fleet.length} projects at ${origin}   (Ctrl-C stops it)

Dashboard, to see and control the agents:
  ${origin}   (${email}, password ${password})

${fleet.map(({ project }) => `  ${project.name.padEnd(16)} ${project.id}`).join('\n')}

  In each project, ${cast.lead.name} has started some of the others: pause it, and they are paused with it. One agent cannot
  stop. The process of ${cast.nightMail.name} is killed now and then, and comes back under its name.

API documentation, to read and try:
  ${api}/docs

Sign in (a token is valid for 15 minutes):
  TOKEN=$(curl -s ${api}/auth/login -H 'content-type: application/json' \\
    -d ${login} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

Read the metrics:
  curl -s ${project}/agents/metrics -H "authorization: Bearer $TOKEN"

Watch ${first?.project.name} live:
  TOKEN=$TOKEN ${quoteIfNeeded(nodePath())} -e ${quote(watchScript(origin, first?.project.id ?? ''))}

Read what agents ask people (the demo's operator answers some of it after a while; the rest waits for you, and expires):
  curl -s ${api}/requests -H "authorization: Bearer $TOKEN"

Pause an agent:
  AGENT=$(curl -s '${project}/agents?status=working&limit=1' \\
    -H "authorization: Bearer $TOKEN" | sed 's/.*"data":\\[{"id":"\\([^"]*\\)".*/\\1/')
  curl -s -X POST ${project}/agents/$AGENT/pause -H "authorization: Bearer $TOKEN"

Pause every agent of a team:
  curl -s -X POST ${project}/agents/actions -H "authorization: Bearer $TOKEN" \\
    -H 'content-type: application/json' -d '{"action":"pause","all":true,"selector":"team=${cast.teams[0]}"}'
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
    'else if (m.type === "event") console.log(m.seq, m.name, m.agent?.name ?? "", m.agent?.status ?? "");',
    'else console.log(m.type, m.message ?? m.agents?.length ?? "") }',
  ].join(' ')
}

/** The Node that runs the demo: the reader's own may be too old to have WebSocket. */
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
