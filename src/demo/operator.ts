import { randomBytes } from 'node:crypto'
import { apiKey, createdKey, member } from '#src/protocol/access.ts'
import { message } from '#src/protocol/agents.ts'
import { user } from '#src/protocol/resources.ts'
import * as cast from './cast.ts'
import { Client } from './client.ts'
import { type Fleet, listAll } from './fleet.ts'

/**
 * Signs in the user who operates the demo's agents, so that the dashboard tells that user's commands from the reader's.
 * Each start gives this user a new password, which no file keeps.
 */
export async function signInOperator(origin: string, admin: Client, fleet: Fleet): Promise<Client> {
  const { email, full_name } = cast.operator
  const password = randomBytes(18).toString('base64url')
  const known = (await listAll(admin, '/users', user)).find((one) => one.email === email)
  const { id } = known
    ? await admin.send(user, { method: 'PATCH', path: `/users/${known.id}`, body: { password } })
    : await admin.send(user, { method: 'POST', path: '/users', body: { email, full_name, password } })
  for (const { project } of fleet) {
    const path = `/projects/${project.id}/members/${id}`
    await admin.send(member, { method: 'PUT', path, body: { role: 'operator' } })
  }
  const operator = new Client(origin, { email, password })
  await operator.signIn()
  return operator
}

const KEYS = 'Demo runtimes'

/** A runtime key for each project, by its id. Those of an earlier start are revoked, since no file keeps them. */
export async function makeRuntimeKeys(admin: Client, fleet: Fleet): Promise<Map<string, string>> {
  for (const { id, name } of await listAll(admin, '/api-keys', apiKey)) {
    if (name === KEYS) await admin.send(message, { method: 'DELETE', path: `/api-keys/${id}` })
  }
  const keys = new Map<string, string>()
  for (const { project } of fleet) {
    const body = { name: KEYS, project_id: project.id, role: 'runtime' }
    const { key } = await admin.send(createdKey, { method: 'POST', path: '/api-keys', body })
    keys.set(project.id, key)
  }
  return keys
}
