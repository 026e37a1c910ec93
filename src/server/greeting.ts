import { resolve } from 'node:path'
import { isInMemory } from '#src/store/data-dir.ts'

/** The server that commands call by default. */
const DEFAULT_URL = 'http://127.0.0.1:8080'

type Served = {
  version: string
  /** Where people reach it. */
  url: string
  /** Undefined: the data is in PostgreSQL. */
  dataDir: string | undefined
  /** How people run the command line from where they are. */
  command: string
  /** Of the first superuser. */
  email: string
}

/** What a server says on a terminal once it listens. */
export function describeServer({ version, url, dataDir, command, email }: Served): string {
  const rows = [
    ['Dashboard', url],
    ['API', `${url}/api/v1/docs`],
    ['Data', dataDir === undefined ? 'PostgreSQL' : describeFolder(dataDir)],
    ['Stop', 'Ctrl-C'],
  ]
  const lines = rows.map(([name = '', text = '']) => `  ${name.padEnd(11)}${text}`)
  const place = url === DEFAULT_URL ? '' : ` --url ${url}`
  return `
Signalbox ${version} is running.

${lines.join('\n')}

To connect an agent, in a second terminal:

  ${command} login --email ${email}${place}
  ${command} projects create fleet
  ${command} types create worker
  ${command} keys create agents --role runtime --project fleet

The last line prints the token for all your agents. Each calls runAgent from @signalbox/client with it, with
agent_type 'worker', a name and an external_id.

`
}

export function describeFirstSuperuser({ email, password }: { email: string; password: string }): string {
  return `\nThe first superuser is ${email} with the password ${password}\nIt will not be shown again.\n\n`
}

function describeFolder(dataDir: string): string {
  if (isInMemory(dataDir)) return 'in memory, gone when it stops'
  return `${resolve(dataDir)} (for trials and single machines; set DATABASE_URL for anything else)`
}

/** As npm has started this process. */
export function nameCommand(variables: Record<string, string | undefined>): string {
  if (variables.npm_command === 'exec') return 'npx signalbox'
  return variables.npm_lifecycle_event === 'start' ? 'npm run signalbox --' : 'signalbox'
}

/** Where people reach a server that listens on `host`: one that listens on all addresses is on the loopback, too. */
export function reachableUrl(host: string, port: number): string {
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${near.includes(':') ? `[${near}]` : near}:${port}`
}
