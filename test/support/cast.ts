import { addUser } from '../http/suite.ts'
import { Asker } from './asker.ts'
import { type Agent, createFleet, type Fleet, type Rest, spawn, unique } from './rest.ts'

/** Everybody who may stand before a project's door. A caller's key is one without a project. */
export const principals = [
  'nobody',
  'superuser',
  'owner',
  'operator',
  'viewer',
  'outsider',
  'project_key_operator',
  'project_key_viewer',
  'project_key_runtime',
  'key_of_another_project',
  'caller_key_operator',
  'caller_key_viewer',
  'caller_key_of_viewer',
  'key_of_demoted_member',
  'key_of_removed_member',
  'key_of_deactivated_member',
  'project_key_of_demoted_superuser',
  'runtime_key_of_demoted_superuser',
  'agent_token',
  'token_of_another_agent',
  'agent_token_of_demoted_superuser',
] as const
export type Who = (typeof principals)[number]

type Key = {
  id: string
  name: string
  project_id: string | null
  role: string
  expires_at: string | null
  created_at: string
  key: string
}

/** A key, with a client that uses it. */
export async function addKey(maker: Rest, own: object = {}): Promise<Key & { rest: Rest }> {
  const answer = await maker.post<Key>('/api-keys', { name: unique('key'), role: 'viewer', ...own })
  if (answer.status !== 201) throw new Error(`key: ${JSON.stringify(answer.body)}`)
  return { ...answer.body, rest: maker.as(answer.body.key) }
}

export async function addToken(maker: Rest, agent: Agent): Promise<string> {
  const path = `/projects/${agent.project_id}/agents/${agent.id}/token`
  return (await maker.post<{ token: string }>(path)).body.token
}

/** A project of somebody's own, with a type of agents that a superuser made. */
export async function createFleetOf(owner: Rest, superuser: Rest): Promise<Fleet> {
  const { agent_type_id } = await createFleet(superuser)
  const { body } = await owner.post<{ id: string }>('/projects', { name: 'Own', slug: unique('own') })
  return { rest: owner, project_id: body.id, agent_type_id, agents: `/projects/${body.id}/agents` }
}

export type Cast = {
  rests: Record<Who, Rest>
  fleet: Fleet
  agent: Agent
  operator_id: string
  viewer_id: string
  outsider_id: string
  /** Opens a request of the agent, and returns its id. */
  ask: () => Promise<string>
}

/** One project, an agent in it, and everybody with what they have to show. `url`: where runtimes connect. */
export async function createCast(superuser: Rest, url: string): Promise<Cast> {
  const [owner, outsider] = [await addUser(superuser), await addUser(superuser)]
  const fleet = await createFleetOf(owner.rest, superuser)
  const { project_id } = fleet
  const join = async (role: string) => {
    const user = await addUser(superuser)
    await owner.rest.put(`/projects/${project_id}/members/${user.id}`, { role })
    return user
  }
  const [operator, viewer] = [await join('operator'), await join('viewer')]
  const agent = await spawn(fleet)
  const another = await spawn(fleet, { name: 'Bob' })
  const key = async (maker: Rest, role: string, of: string | null = null) =>
    (await addKey(maker, { role, project_id: of })).rest
  const elsewhere = await createFleetOf(owner.rest, superuser)
  const fallen = await addUser(superuser, { is_superuser: true })
  const rests = {
    nobody: superuser.as(undefined),
    superuser,
    owner: owner.rest,
    operator: operator.rest,
    viewer: viewer.rest,
    outsider: outsider.rest,
    project_key_operator: await key(owner.rest, 'operator', project_id),
    project_key_viewer: await key(owner.rest, 'viewer', project_id),
    project_key_runtime: await key(owner.rest, 'runtime', project_id),
    key_of_another_project: await key(owner.rest, 'operator', elsewhere.project_id),
    caller_key_operator: await key(operator.rest, 'operator'),
    caller_key_viewer: await key(operator.rest, 'viewer'),
    caller_key_of_viewer: await key(viewer.rest, 'operator'),
    ...(await addLosers({ superuser, owner: owner.rest, join, key, project_id })),
    project_key_of_demoted_superuser: await key(fallen.rest, 'operator', project_id),
    runtime_key_of_demoted_superuser: await key(fallen.rest, 'runtime', project_id),
    agent_token: superuser.as(await addToken(owner.rest, agent)),
    token_of_another_agent: superuser.as(await addToken(owner.rest, another)),
    agent_token_of_demoted_superuser: superuser.as(await addToken(fallen.rest, agent)),
  }
  await superuser.patch(`/users/${fallen.id}`, { is_superuser: false })
  const ids = { operator_id: operator.id, viewer_id: viewer.id, outsider_id: outsider.id }
  let asker: Promise<Asker> | undefined
  const ask = async () => {
    asker ??= Asker.at(url, superuser.token, agent.id)
    return (await (await asker).open()).id
  }
  return { rests, fleet, agent, ...ids, ask }
}

type Losing = {
  superuser: Rest
  owner: Rest
  join: (role: string) => Promise<{ id: string; rest: Rest }>
  key: (maker: Rest, role: string) => Promise<Rest>
  project_id: string
}

/** Keys that operators made, who then lost something each. */
async function addLosers({ superuser, owner, join, key, project_id }: Losing) {
  const make = async () => {
    const maker = await join('operator')
    return { maker, rest: await key(maker.rest, 'operator') }
  }
  const [demoted, removed, deactivated] = [await make(), await make(), await make()]
  const member = (id: string) => `/projects/${project_id}/members/${id}`
  await owner.put(member(demoted.maker.id), { role: 'viewer' })
  await owner.delete(member(removed.maker.id))
  await superuser.patch(`/users/${deactivated.maker.id}`, { is_active: false })
  return {
    key_of_demoted_member: demoted.rest,
    key_of_removed_member: removed.rest,
    key_of_deactivated_member: deactivated.rest,
  }
}
