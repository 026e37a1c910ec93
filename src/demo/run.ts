import { serve } from '#src/serve.ts'
import { Client, Refusal } from './client.ts'
import { gatherFleet, topUp } from './fleet.ts'
import { describeDemo } from './guide.ts'
import { readSettings, type Settings } from './settings.ts'
import { showStatus } from './status-line.ts'
import { describe, runTraffic } from './traffic.ts'

/** A server with a fleet that lives, until SIGINT or SIGTERM; `serve` stops the server itself. */
export async function runDemo(environment: Record<string, string | undefined>): Promise<void> {
  if (environment.PORT === '0') return fail('PORT must be known beforehand, so not 0')
  const stopping = stopOnSignal()
  const settings = readSettings(environment)
  const app = await serve(settings.variables)
  if (!app) return
  try {
    if (!stopping.aborted) await live(settings, stopping)
  } catch (error) {
    if (!stopping.aborted) fail(describe(error))
  }
  // A second call is harmless, and the only one after a failure or a signal that came before `serve` listened.
  await app.stop()
}

async function live(settings: Settings, stopping: AbortSignal): Promise<void> {
  const { origin, credentials, shown_password } = settings
  const client = new Client(origin, credentials)
  await client.signIn().catch((error: unknown) => {
    throw error instanceof Refusal && error.status === 401 ? new Error(wrongUser(credentials.email)) : error
  })
  const fleet = await gatherFleet(client)
  await topUp(client, fleet)
  console.log(describeDemo(fleet, { origin, email: credentials.email, password: shown_password }))
  await Promise.all([runTraffic(client, fleet, stopping), showStatus(client, fleet, stopping)])
}

function wrongUser(email: string): string {
  return `cannot sign in as ${email}: set ADMIN_EMAIL and ADMIN_PASSWORD to a superuser that this database has`
}

function fail(message: string): void {
  console.error(`The demo cannot go on: ${message}`)
  process.exitCode = 1
}

/** Heard before the server hears it, so that what fails because of the stop is known to be that. */
function stopOnSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}
