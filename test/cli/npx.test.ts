import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { backends } from '../support/backends.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const secrets = { SECRET_KEY: 'a secret key for tests, of a good length' }

it.each([
  ['npx', ['exec', '--offline', '-c', 'node src/cli/main.ts serve; exit $?']],
  ['npm run', ['run', 'signalbox', '--', 'serve']],
])('a SIGTERM to %s stops the server that it has started', async (_name, args) => {
  const { databaseUrl } = (await backends.at(-1)?.config()) ?? {}
  const npx = spawn('npm', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATABASE_URL: databaseUrl,
      PORT: '0',
      ...secrets,
    },
  })
  // The pipe ends with the last process that writes to it: that is the server, not npx.
  const messages: string[] = []
  for await (const line of createInterface({ input: npx.stdout })) {
    const message = /"msg":"([^"]*)"/.exec(line)?.[1] ?? ''
    messages.push(message)
    if (message.startsWith('Signalbox listens')) npx.kill('SIGTERM')
  }
  expect(messages.slice(-2)).toEqual(['stopping', 'stopped'])
})
