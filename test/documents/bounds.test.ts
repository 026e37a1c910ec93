import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as commands from '#src/commands/bounds.ts'
import { MAX_HOLDS } from '#src/domain/hold.ts'
import { MAX_OPEN_REQUESTS, MAX_PENDING_ANSWERS } from '#src/domain/requests.ts'
import { MAX_PENDING_MESSAGES } from '#src/domain/runtime.ts'
import { DEFAULT_AGENT_LIMIT, MAX_AGENT_LIMIT } from '#src/domain/spawn.ts'
import { MAX_BUDGETS, MAX_FRACTIONS, MAX_KEPT_WINDOWS } from '#src/domain/spending.ts'
import { MAX_WEBHOOKS } from '#src/domain/webhook.ts'
import * as http from '#src/http/bounds.ts'
import * as mcp from '#src/mcp/bounds.ts'
import * as protocol from '#src/protocol/bounds.ts'
import { MAX_DEPTH } from '#src/protocol/problems.ts'
import * as realtime from '#src/realtime/bounds.ts'
import * as store from '#src/store/bounds.ts'

const number = (value: number) => value.toLocaleString('en-US')
const kib = (bytes: number) => `${bytes / 1024} KiB`
const mib = (bytes: number) => `${bytes / 1024 / 1024} MiB`
const seconds = (ms: number) => `${ms / 1_000} s`

/** What each row of the table in docs/security.md says, by the constants of the code. */
const rows: Record<string, string[]> = {
  requests: [
    `headers ${kib(http.MAX_HEADER_BYTES)} in ${seconds(http.HEADERS_TIMEOUT_MS)}`,
    `a body ${kib(http.MAX_BODY_BYTES)}`,
    `the whole request in ${seconds(http.REQUEST_TIMEOUT_MS)}`,
    `${MAX_DEPTH} levels`,
  ],
  'sign-in': [`${http.limits.login} a minute`, `${http.MAX_FAILED_SIGN_INS} failures an hour`],
  'sockets and event streams': [
    `${number(realtime.MAX_SOCKETS_OF_PRINCIPAL)} a principal`,
    `${number(realtime.MAX_SOCKETS_OF_USER)} a user`,
    `${number(realtime.MAX_SOCKETS_OF_ADDRESS)} an address`,
    `${number(realtime.MAX_STRANGERS_OF_ADDRESS)} an address without credentials, for ${seconds(realtime.AUTH_TIMEOUT_MS)}`,
  ],
  'long polls': [
    `${number(realtime.MAX_WAITING_POLLS)} wait on a replica, up to ${protocol.MAX_WAIT_SECONDS} s each`,
    `${realtime.MAX_ASKING_POLLS} ask the database at a time`,
  ],
  messages: [
    kib(protocol.MAX_MESSAGE_BYTES),
    `${realtime.messagesPerSecond.ordinary} a second`,
    `${number(realtime.messagesPerSecond.runtime)} for runtimes`,
    `${realtime.MAX_WAITING_MESSAGES} messages or ${mib(realtime.MAX_WAITING_BYTES)}`,
  ],
  'subscriptions, agents of a socket': [`${protocol.MAX_SUBSCRIPTIONS}, ${number(protocol.MAX_AGENTS)}`],
  'unsent data': [
    `parked above ${mib(realtime.PARK_BYTES)}`,
    `closed after ${seconds(realtime.STALL_MS)}`,
    `cut off after ${seconds(http.STALL_MS)}`,
  ],
  'an order for a fleet': [`${commands.SLICE_AGENTS} agents or ${kib(commands.SLICE_BYTES)}`],
  'waiting changes of a project': [number(commands.MAX_WAITING_OF_ONE)],
  'pages of the log and of snapshots': [
    `reaches ${mib(store.MAX_READ_BYTES)}`,
    `\`GET …/events\` ${mib(http.MAX_LOG_ANSWER_BYTES)}`,
    `${mib(realtime.MAX_LOG_PAGES_BYTES)} of the log's`,
    `${mib(realtime.SNAPSHOT_PART_BYTES)} of a snapshot`,
  ],
  'live agents of a project': [`${number(DEFAULT_AGENT_LIMIT)}, or`, `up to ${number(MAX_AGENT_LIMIT)}`],
  'an agent': [
    `${number(MAX_PENDING_MESSAGES)} unacknowledged messages`,
    `${MAX_OPEN_REQUESTS} open requests, with unacknowledged answers ${number(MAX_PENDING_ANSWERS)}`,
  ],
  budgets: [
    `${MAX_BUDGETS} a project`,
    `${MAX_FRACTIONS} warnings`,
    `${MAX_KEPT_WINDOWS} past windows of each`,
  ],
  'an assistant': [
    `${http.limits.mcp} requests a minute`,
    `${mcp.MAX_PAGE} items a page`,
    `${mcp.MAX_TEXT} characters`,
    `a wait of ${mcp.MAX_WAIT_SECONDS} s`,
  ],
  holds: [
    `${MAX_HOLDS} active ones a project and ${MAX_HOLDS} of all projects`,
    `${commands.HELD_AGENTS} agents or ${kib(commands.SLICE_BYTES)}`,
  ],
  webhooks: [
    `${MAX_WEBHOOKS} a project`,
    `${store.MAX_WEBHOOK_EVENTS} events or ${kib(store.MAX_WEBHOOK_BYTES)}`,
    `${commands.MAX_WEBHOOK_TESTS} tests a replica`,
  ],
}

test.each(Object.entries(rows))('docs/security.md has the bounds of the code: %s', (name, parts) => {
  const text = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')
  const row = text.split('\n').find((line) => line.startsWith(`| ${name} |`)) ?? ''
  for (const part of parts) expect(row).toContain(part)
})
