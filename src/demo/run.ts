import { serve } from '#src/server/serve.ts'
import { Client, Refusal } from './client.ts'
import { gatherFleet } from './fleet.ts'
import { describeDemo } from './guide.ts'
import { fill } from './newcomers.ts'
import { runNightMail } from './night-mail.ts'
import { makeRuntimeKeys, signInOperator } from './operator.ts'
import { answerSome } from './questions.ts'
import { Runtimes } from './runtimes.ts'
import { readSettings, type Settings } from './settings.ts'
import { showStatus } from './status-line.ts'
import { describe, runTraffic } from './traffic.ts'

/** Runs a server with a simulated fleet until SIGINT or SIGTERM, or until the reader of its output is gone. */
export async function runDemo(environment: Record<string, string | undefined>): Promise<void> {
  if (environment.PORT === '0') return fail('PORT must not be 0: choose a port, such as 8080')
  // Aborted before the server stops, so that a failure caused by the stop is not reported.
  const ending = new AbortController()
  // A reader that closes the pipe, such as `head`, ends the demo; another output error does not.
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => code === 'EPIPE' && ending.abort())
  let settings: Settings
  try {
    settings = readSettings(environment)
  } catch (error) {
    return fail(describe(error))
  }
  const app = await serve(settings.variables, { stopping: ending, greets: false })
  try {
    if (!ending.signal.aborted) await live(settings, ending.signal)
  } catch (error) {
    if (!ending.signal.aborted) fail(describe(error))
  }
  // `serve` stops the server at a signal; after a failure, or without a reader, this call stops it.
  await app.stop()
}

async function live(settings: Settings, stopping: AbortSignal): Promise<void> {
  const { origin, credentials, shownPassword } = settings
  const admin = new Client(origin, credentials)
  await admin.signIn().catch((error: unknown) => {
    throw error instanceof Refusal && error.status === 401 ? new Error(wrongUser(credentials.email)) : error
  })
  const fleet = await gatherFleet(admin)
  const operator = await signInOperator(origin, admin, fleet)
  const keys = await makeRuntimeKeys(admin, fleet)
  const runtimes = new Runtimes(origin, keys)
  for (const line of fleet) await fill(line, runtimes)
  const [key = ''] = keys.values()
  console.log(describeDemo(fleet, { origin, email: credentials.email, password: shownPassword }))
  await Promise.all([
    runTraffic(operator, { fleet, runtimes }, stopping),
    runNightMail(origin, key, stopping),
    answerSome(operator, stopping),
    showStatus(admin, fleet, stopping),
  ])
  runtimes.close()
}

function wrongUser(email: string): string {
  return `cannot sign in as ${email}: set ADMIN_EMAIL and ADMIN_PASSWORD to a superuser of this database`
}

function fail(message: string): void {
  console.error(`The demo cannot continue: ${message}`)
  process.exitCode = 1
}
