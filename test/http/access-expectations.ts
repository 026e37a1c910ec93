import { admin } from '../support/backends.ts'
import { addKey, type Cast, createFleetOf, principals, type Who } from '../support/cast.ts'
import { type Agent, type Rest, spawn, unique } from '../support/rest.ts'
import { password } from './suite.ts'

/** What to put into a path, its query, and the body; `project_id` and `agent_id` are those of the cast where not given. */
export type Call = { params?: Record<string, string>; query?: string; body?: object }

type Expectation = {
  may: readonly Who[]
  /** A request that succeeds for who may, on what may be destroyed. */
  call?: (cast: Cast, who: Who) => Call | Promise<Call>
  /** What the others try, where it is not the same. */
  denied?: (cast: Cast) => Call
}

/** What the REST contract says under "Who may do what", as a table by hand: not what the code takes it to be. */
const everybody = principals
const superusers: Who[] = ['superuser']
const owners: Who[] = ['superuser', 'owner']
const users: Who[] = ['superuser', 'owner', 'operator', 'viewer', 'outsider']
const operators: Who[] = [...owners, 'operator', 'project_key_operator', 'caller_key_operator']
const viewers: Who[] = [
  ...operators,
  'viewer',
  'project_key_viewer',
  'caller_key_viewer',
  'caller_key_of_viewer',
  'key_of_demoted_member',
]
/** Who may run agents: attach them, or speak for them over HTTP. */
const attachers: Who[] = [...owners, 'project_key_runtime', 'agent_token']
/** They read agents, and nothing else. */
const lister: Who[] = ['project_key_runtime']
const readers: Who[] = [...viewers, 'project_key_runtime', 'agent_token']
/** Whoever is somebody, but no runtime: what is of no project. */
const readersAnywhere: Who[] = [
  ...users,
  ...viewers.filter((who) => who.includes('key')),
  'key_of_another_project',
  'key_of_removed_member',
  'project_key_of_demoted_superuser',
]

const freshAgent = async ({ fleet }: Cast) => ({ agent_id: (await spawn(fleet)).id })
const project = ({ fleet }: Cast) => ({ id: fleet.project_id })

async function freshId({ rests }: Cast, path: string, body: object): Promise<string> {
  const made = await rests.superuser.post<{ id: string }>(path, body)
  if (made.status !== 201) throw new Error(`${path}: ${JSON.stringify(made.body)}`)
  return made.body.id
}

const named = (what: string) => ({ name: what, slug: unique(what) })
const freshType = async (cast: Cast) => ({ id: await freshId(cast, '/agent-types', named('driver')) })
const newUser = () => ({ email: `${unique('user')}@example.org`, password })
const freshUser = async (cast: Cast) => ({ id: await freshId(cast, '/users', newUser()) })
const freshIssue = async (cast: Cast) => ({
  issue_id: await freshId(cast, `/projects/${cast.fleet.project_id}/issues`, { title: 'Look' }),
})

async function freshSignal({ fleet, agent }: Cast) {
  const path = `${fleet.agents}/${agent.id}/signals`
  const { body } = await fleet.rest.post<{ id: string }>(path, { kind: 'message', payload: {} })
  return { signal_id: body.id }
}

const freshRequest = async ({ ask }: Cast) => ({ id: await ask() })

async function refreshToken({ rests }: Cast) {
  const { body } = await rests.nobody.post<{ refresh_token: string }>('/auth/login', admin)
  return { body: { refresh_token: body.refresh_token } }
}

async function pausedAgent(cast: Cast) {
  const params = await freshAgent(cast)
  await cast.fleet.rest.post<Agent>(`${cast.fleet.agents}/${params.agent_id}/pause`)
  return { params }
}

async function emailOf(rest: Rest, id: string): Promise<string> {
  const { body } = await rest.get<{ data: { id: string; email: string }[] }>('/users?page_size=100')
  return body.data.find((user) => user.id === id)?.email ?? ''
}

async function freshMember({ rests, fleet, outsider_id: user_id }: Cast) {
  await rests.owner.put(`/projects/${fleet.project_id}/members/${user_id}`, { role: 'viewer' })
  return { params: { user_id } }
}

async function freshProject({ rests }: Cast) {
  return { params: { id: (await createFleetOf(rests.owner, rests.superuser)).project_id } }
}

const newHold = () => ({ reason: 'storm', selector: 'team=nobody' })
const freshHold = async (cast: Cast) => ({
  hold_id: await freshId(cast, `/projects/${cast.fleet.project_id}/holds`, newHold()),
})
const freshGlobalHold = async (cast: Cast) => ({ hold_id: await freshId(cast, '/holds', newHold()) })

/** Its address is not allowed, so nothing is sent. */
async function testOfWebhook(cast: Cast) {
  const path = `/projects/${cast.fleet.project_id}/webhooks`
  return { params: { webhook_id: await freshId(cast, path, { url: 'http://localhost:9/' }) } }
}
const newWebhook = () => ({ url: `https://example.org/${unique('hook')}` })
async function freshWebhook(cast: Cast) {
  const path = `/projects/${cast.fleet.project_id}/webhooks`
  return { webhook_id: await freshId(cast, path, newWebhook()) }
}

const newBudget = () => ({ name: unique('budget'), metric: 'cost', limit: '5', window: 'day' })
async function freshBudget(cast: Cast) {
  const path = `/projects/${cast.fleet.project_id}/budgets`
  return { budget_id: await freshId(cast, path, newBudget()) }
}

/** By operation id. A route that is not here fails its test. */
export const expectations: Record<string, Expectation> = {
  login: { may: everybody, call: () => ({ body: admin }) },
  refresh: { may: everybody, call: refreshToken },
  logout: { may: everybody, call: refreshToken },

  get_me: { may: users },
  update_me: { may: users, call: () => ({ body: { full_name: 'Ada' } }) },
  list_own_access: { may: users },
  list_users: { may: superusers },
  create_user: { may: superusers, call: () => ({ body: newUser() }) },
  get_user: { may: superusers, call: async (cast) => ({ params: await freshUser(cast) }) },
  update_user: {
    may: superusers,
    call: async (cast) => ({ params: await freshUser(cast), body: { is_superuser: true } }),
  },

  list_projects: { may: readersAnywhere },
  create_project: { may: users, call: () => ({ body: named('line') }) },
  get_project: { may: viewers, call: (cast) => ({ params: project(cast) }) },
  update_project: {
    may: owners,
    call: (cast) => ({ params: project(cast), body: { description: 'changed' } }),
  },
  delete_project: { may: owners, call: freshProject, denied: (cast) => ({ params: project(cast) }) },

  list_agent_types: { may: readersAnywhere },
  create_agent_type: { may: superusers, call: () => ({ body: named('driver') }) },
  get_agent_type: { may: readersAnywhere, call: async (cast) => ({ params: await freshType(cast) }) },
  update_agent_type: {
    may: superusers,
    call: async (cast) => ({ params: await freshType(cast), body: { description: 'changed' } }),
  },
  deactivate_agent_type: { may: superusers, call: async (cast) => ({ params: await freshType(cast) }) },

  spawn_agent: {
    may: operators,
    call: ({ fleet }) => ({ body: { agent_type_id: fleet.agent_type_id, name: 'Eve' } }),
  },
  list_project_agents: { may: [...viewers, ...lister] },
  get_project_agent_metrics: { may: viewers },
  get_usage: { may: viewers },
  get_activity: { may: viewers },
  search_events: { may: viewers },
  list_agents_at: { may: viewers },
  get_agent: { may: readers },
  update_agent: {
    may: operators,
    call: async (cast) => ({ params: await freshAgent(cast), body: { status: 'working' } }),
  },
  terminate_agent: { may: operators, call: async (cast) => ({ params: await freshAgent(cast) }) },
  get_agent_metrics: { may: viewers },
  pause_agent: { may: operators, call: async (cast) => ({ params: await freshAgent(cast) }) },
  resume_agent: { may: operators, call: pausedAgent },
  act_on_agents: {
    may: operators,
    call: async (cast) => ({ body: { action: 'pause', ids: [(await freshAgent(cast)).agent_id] } }),
  },
  list_signals: { may: viewers },
  send_signal: { may: operators, call: () => ({ body: { kind: 'message', payload: { n: 1 } } }) },
  issue_agent_token: { may: owners },
  revoke_agent_tokens: { may: owners, call: async (cast) => ({ params: await freshAgent(cast) }) },

  get_verdict: {
    may: ['project_key_runtime', 'agent_token', 'token_of_another_agent'],
    call: ({ agent }) => ({ query: `?agent_id=${agent.id}` }),
  },

  list_my_requests: { may: readersAnywhere },
  list_requests: { may: viewers },
  get_request: {
    may: [...viewers, ...attachers.filter((who) => !viewers.includes(who))],
    call: async (cast) => ({ params: await freshRequest(cast) }),
  },
  report_agent: { may: attachers, call: () => ({ body: { current_task: unique('task') } }) },
  next_signal: { may: attachers },
  acknowledge_signal: {
    may: attachers,
    call: async (cast) => ({ params: await freshSignal(cast), body: { outcome: 'done' } }),
  },
  ask: {
    may: attachers,
    call: () => ({ body: { request_id: unique('q'), reason: 'confirmation', message: 'Now?' } }),
  },
  answer_request: {
    may: operators,
    call: async (cast) => ({ params: await freshRequest(cast), body: { status: 'cancelled' } }),
  },

  place_hold: { may: operators, call: () => ({ body: newHold() }) },
  list_holds: { may: viewers },
  get_hold: { may: viewers, call: async (cast) => ({ params: await freshHold(cast) }) },
  release_hold: { may: operators, call: async (cast) => ({ params: await freshHold(cast) }) },
  place_global_hold: { may: superusers, call: () => ({ body: newHold() }) },
  list_global_holds: { may: superusers },
  release_global_hold: { may: superusers, call: async (cast) => ({ params: await freshGlobalHold(cast) }) },

  list_issues: { may: viewers },
  create_issue: { may: operators, call: () => ({ body: { title: 'Look' } }) },
  get_issue: { may: viewers, call: async (cast) => ({ params: await freshIssue(cast) }) },
  update_issue: {
    may: operators,
    call: async (cast) => ({ params: await freshIssue(cast), body: { status: 'closed' } }),
  },
  delete_issue: { may: operators, call: async (cast) => ({ params: await freshIssue(cast) }) },

  list_members: { may: viewers },
  set_member: {
    may: owners,
    call: ({ viewer_id: user_id }) => ({ params: { user_id }, body: { role: 'viewer' } }),
    denied: ({ outsider_id: user_id }) => ({ params: { user_id }, body: { role: 'operator' } }),
  },
  add_member: {
    may: owners,
    call: async ({ rests, viewer_id }) => ({
      body: { email: await emailOf(rests.superuser, viewer_id), role: 'viewer' },
    }),
    denied: () => ({ body: { email: 'nobody@example.org', role: 'operator' } }),
  },
  remove_member: {
    may: owners,
    call: freshMember,
    denied: ({ operator_id: user_id }) => ({ params: { user_id } }),
  },
  list_api_keys: { may: users },
  create_api_key: { may: users, call: () => ({ body: { name: unique('key'), role: 'operator' } }) },
  revoke_api_key: {
    may: users,
    call: async ({ rests }, who) => ({ params: { id: (await addKey(rests[who])).id } }),
  },
  list_audit: { may: superusers },

  list_webhooks: { may: owners },
  create_webhook: { may: owners, call: () => ({ body: newWebhook() }) },
  get_webhook: { may: owners, call: async (cast) => ({ params: await freshWebhook(cast) }) },
  update_webhook: {
    may: owners,
    call: async (cast) => ({ params: await freshWebhook(cast), body: { is_active: false } }),
  },
  delete_webhook: { may: owners, call: async (cast) => ({ params: await freshWebhook(cast) }) },
  test_webhook: { may: owners, call: testOfWebhook },
  rotate_webhook_secret: { may: owners, call: async (cast) => ({ params: await freshWebhook(cast) }) },

  list_budgets: { may: viewers },
  create_budget: { may: owners, call: () => ({ body: newBudget() }) },
  get_budget: { may: viewers, call: async (cast) => ({ params: await freshBudget(cast) }) },
  update_budget: {
    may: owners,
    call: async (cast) => ({ params: await freshBudget(cast), body: { limit: '6' } }),
  },
  delete_budget: { may: owners, call: async (cast) => ({ params: await freshBudget(cast) }) },
  list_budget_windows: { may: viewers, call: async (cast) => ({ params: await freshBudget(cast) }) },

  list_events: { may: viewers },
  stream_events: { may: viewers },
}
