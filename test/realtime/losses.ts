import { statement } from '#src/store/database.ts'
import { addUser } from '../http/suite.ts'
import { makeShortToken } from '../support/access-token.ts'
import { addKey, addToken, createFleetOf } from '../support/cast.ts'
import { type Agent, type Fleet, type Rest, spawn } from '../support/rest.ts'
import type { Stage } from '../support/stage.ts'

type Use = 'watching' | 'link'

/** A principal that is about to lose a right: a token and an agent for each server, and their uses. */
export type Losing = {
  /** Its client belongs to a user who loses nothing. */
  fleet: Fleet
  tokens: string[]
  agents: Agent[]
  uses: readonly Use[]
  /** Takes the right away; resolves with the time at which it was gone (in milliseconds since 1970). */
  take: () => Promise<number>
}

type Loss = {
  name: string
  loses: 'credential' | 'role' | 'project'
  arrange: (stage: Stage) => Promise<Losing>
}

const changeOwner = statement('test_change_owner', 'update projects set owner_id = $2 where id = $1')
const expireTokens = statement(
  'test_expire_tokens',
  `update api_keys set expires_at = now() - interval '1 second' where agent_id = $1`,
)
const both = ['watching', 'link'] as const
const SHORT_SECONDS = 6

type Scene = { owner: { id: string; rest: Rest }; fleet: Fleet; agents: Agent[] }

/** A project of an owner with an agent for each server. The fleet's client is a superuser's. */
async function setScene({ superuser, apps }: Stage): Promise<Scene> {
  const owner = await addUser(superuser)
  const fleet = { ...(await createFleetOf(owner.rest, superuser)), rest: superuser }
  const agents = await Promise.all(apps.map((_, server) => spawn(fleet, { name: `agent ${server}` })))
  return { owner, fleet, agents }
}

function memberPath({ project_id }: Fleet, user_id: string): string {
  return `/projects/${project_id}/members/${user_id}`
}

/** All servers get the same token; `undo` takes it away. */
function losing(
  { fleet, agents }: Scene,
  { token, uses, undo }: { token: string | undefined; uses: readonly Use[]; undo: () => Promise<unknown> },
): Losing {
  const take = async () => {
    await undo()
    return Date.now()
  }
  return { fleet, agents, uses, take, tokens: agents.map(() => token ?? '') }
}

const credentials: Loss[] = [
  {
    name: 'a user is deactivated',
    loses: 'credential',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { id, rest } = scene.owner
      const undo = () => stage.superuser.patch(`/users/${id}`, { is_active: false })
      return losing(scene, { token: rest.token, uses: both, undo })
    },
  },
  {
    name: 'an access token ends',
    loses: 'credential',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { token, ends } = makeShortToken(scene.owner.id, SHORT_SECONDS)
      return { ...losing(scene, { token, uses: both, undo: async () => {} }), take: async () => ends }
    },
  },
  {
    name: 'a key is revoked',
    loses: 'credential',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { id, key } = await addKey(scene.owner.rest, { project_id: scene.fleet.project_id })
      const undo = () => stage.superuser.delete(`/api-keys/${id}`)
      return losing(scene, { token: key, uses: ['watching'], undo })
    },
  },
  {
    name: 'a key for runtimes is revoked',
    loses: 'credential',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { project_id } = scene.fleet
      const { id, key } = await addKey(scene.owner.rest, { role: 'runtime', project_id })
      return losing(scene, {
        token: key,
        uses: ['link'],
        undo: () => scene.owner.rest.delete(`/api-keys/${id}`),
      })
    },
  },
  {
    name: 'a key expires',
    loses: 'credential',
    async arrange(stage) {
      const scene = await setScene(stage)
      const ends = Date.now() + SHORT_SECONDS * 1000
      const expires_at = new Date(ends).toISOString()
      const { key } = await addKey(scene.owner.rest, { expires_at })
      return {
        ...losing(scene, { token: key, uses: ['watching'], undo: async () => {} }),
        take: async () => ends,
      }
    },
  },
  {
    name: 'the maker of a key is deactivated',
    loses: 'credential',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { project_id } = scene.fleet
      const { key } = await addKey(scene.owner.rest, { role: 'operator', project_id })
      const undo = () => stage.superuser.patch(`/users/${scene.owner.id}`, { is_active: false })
      return losing(scene, { token: key, uses: ['watching'], undo })
    },
  },
  ...(['revoked', 'expired'] as const).map(
    (how): Loss => ({
      name: `the tokens of agents are ${how}`,
      loses: 'credential',
      async arrange(stage) {
        const scene = await setScene(stage)
        const end = ({ id }: Agent) =>
          how === 'revoked'
            ? stage.superuser.delete(`${scene.fleet.agents}/${id}/tokens`)
            : stage.app.database.run(expireTokens, [id])
        const undo = async () => {
          for (const agent of scene.agents) await end(agent)
        }
        const tokens = await Promise.all(scene.agents.map((agent) => addToken(scene.owner.rest, agent)))
        return { ...losing(scene, { token: '', uses: ['link'], undo }), tokens }
      },
    }),
  ),
]

const roles: Loss[] = [
  {
    name: 'a member is removed',
    loses: 'role',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { id, rest } = await addUser(stage.superuser)
      const path = memberPath(scene.fleet, id)
      await scene.owner.rest.put(path, { role: 'operator' })
      return losing(scene, {
        token: rest.token,
        uses: ['watching'],
        undo: () => stage.superuser.delete(path),
      })
    },
  },
  {
    name: 'the maker of a key is removed',
    loses: 'role',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { id, rest } = await addUser(stage.superuser)
      const path = memberPath(scene.fleet, id)
      await scene.owner.rest.put(path, { role: 'viewer' })
      const { key } = await addKey(rest, { role: 'operator' })
      return losing(scene, { token: key, uses: ['watching'], undo: () => stage.superuser.delete(path) })
    },
  },
  {
    name: 'a superuser is one no longer',
    loses: 'role',
    async arrange(stage) {
      const scene = await setScene(stage)
      const { id, rest } = await addUser(stage.superuser, { is_superuser: true })
      const undo = () => stage.superuser.patch(`/users/${id}`, { is_superuser: false })
      return losing(scene, { token: rest.token, uses: both, undo })
    },
  },
  ...(['viewer', 'runtime'] as const).map(
    (role): Loss => ({
      name: `the maker of a ${role} key owns the project no longer`,
      loses: 'role',
      async arrange(stage) {
        const scene = await setScene(stage)
        const { project_id } = scene.fleet
        const { key } = await addKey(scene.owner.rest, { role, project_id })
        const heir = await addUser(stage.superuser)
        const undo = () => stage.app.database.run(changeOwner, [project_id, heir.id])
        return losing(scene, { token: key, uses: [role === 'runtime' ? 'link' : 'watching'], undo })
      },
    }),
  ),
]

const projects: Loss[] = (['the owner', 'a key for runtimes'] as const).map((who) => ({
  name: `the project of ${who} is deleted`,
  // The keys of a project are deleted with it.
  loses: who === 'the owner' ? 'project' : 'credential',
  async arrange(stage) {
    const scene = await setScene(stage)
    const { fleet, owner } = scene
    const { project_id } = fleet
    const { key } = await addKey(owner.rest, { role: 'runtime', project_id })
    const undo = async () => {
      await stage.superuser.post(`${fleet.agents}/actions`, { action: 'terminate', all: true })
      expectDeleted((await stage.superuser.delete(`/projects/${project_id}`)).status)
    }
    const isOwner = who === 'the owner'
    return losing(scene, { token: isOwner ? owner.rest.token : key, uses: isOwner ? both : ['link'], undo })
  },
}))

function expectDeleted(status: number): void {
  if (status !== 200) throw new Error(`deleting the project answered ${status}`)
}

export const losses: Loss[] = [...credentials, ...roles, ...projects]
