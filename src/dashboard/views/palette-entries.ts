import type { Project } from '#src/client/rest/rest.ts'
import { type ActionName, actionRow } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AppState } from '../model/app-state.ts'
import { toBlock } from '../model/blocks.ts'
import { highlightedOf } from '../model/fleet-list.ts'
import { capital, formatCount, plural } from '../model/format.ts'
import { startHold, startLifting } from '../model/lifting.ts'
import { links, projectPages } from '../model/links.ts'
import { say } from '../model/notices.ts'
import { best, findAgents, rankOf, readVerb, readWanted, type Wanted } from '../model/palette.ts'
import { type ShownStatus, shownStatus } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { possibleOrders } from '../model/reach.ts'
import { goTo, type Place, place, projectOf } from '../model/route.ts'
import type { Session } from '../model/session.ts'
import { densities, density, shownZone, theme, themes, wordOf, zones } from '../model/settings.ts'
import { copy } from '../parts/copyable.tsx'
import { startOrderAt } from './order-dialog.tsx'
import { showKeys } from './shortcuts.ts'
import { startStopping } from './stop-everything.tsx'

/** One thing to choose; `into`: an agent whose actions are shown upon →. */
export type Entry = {
  id: string
  label: string
  note?: string | undefined
  status?: ShownStatus
  isFinal?: boolean
  /** More words that find it. */
  also?: string
  into?: AgentSummary
  run: () => void
}
export type Group = { name: string; entries: readonly Entry[] }

/** How many of each kind are shown. */
const MOST = { agents: 8, orders: 6, projects: 6, others: 8 } as const

/** What fits the text; without a text, where one can go and what one can do from here. */
export function findEntries(app: AppState, session: Session, typed: string): Group[] {
  const wanted = readWanted(typed)
  const groups: { name: string; rank: number; entries: Entry[] }[] = []
  const add = (name: string, entries: readonly Ranked[], most: number) => {
    const found = best([...entries], most)
    const [first] = found
    if (first) groups.push({ name, rank: first.rank, entries: found.map(({ item }) => item) })
  }
  add('Commands', orders(app, wanted), MOST.orders)
  add('Here', fitting(wanted, here(app)), MOST.others)
  if (wanted.text !== '') add('Agents', agents(app, wanted), MOST.agents)
  add('Projects', projects(app, wanted), MOST.projects)
  add('Pages', fitting(wanted, pages(app)), MOST.others)
  if (wanted.text !== '') add('Settings', fitting(wanted, settings(session)), MOST.others)
  // With a text, the kind with the best match comes first.
  return wanted.text === '' ? groups : groups.sort((left, right) => left.rank - right.rank)
}

type Ranked = { item: Entry; rank: number }

function fitting(wanted: Wanted, entries: readonly Entry[]): Ranked[] {
  return entries.flatMap((item) => {
    const rank = rankOf(wanted, item.label, [item.note ?? '', item.also ?? ''])
    return rank === undefined ? [] : [{ item, rank }]
  })
}

function fleets(app: AppState) {
  return (app.projects.peek().value ?? []).flatMap(({ id, name }) => {
    const live = app.live(id)
    return live ? [{ name, agents: live.agents.values() }] : []
  })
}

function agents(app: AppState, wanted: Wanted): Ranked[] {
  return findAgents(wanted, fleets(app), MOST.agents).map(({ item, rank }) => ({
    item: agentEntry(app, item),
    rank,
  }))
}

export function agentEntry(app: AppState, agent: AgentSummary): Entry {
  const { id, project_id, name, current_task } = agent
  const project = app.project(project_id)?.name ?? ''
  return {
    id,
    label: name,
    note: current_task ? `${project} · ${current_task}` : project,
    status: shownStatus(agent),
    into: agent,
    run: () => goTo(links.agent(project_id, id)),
  }
}

/** "pause ada" */
function orders(app: AppState, wanted: Wanted): Ranked[] {
  const asked = readVerb(wanted)
  if (!asked) return []
  return findAgents(asked.rest, fleets(app), MOST.orders * 2).flatMap(({ item: agent, rank }) =>
    orderEntries(app, agent)
      .filter(({ action }) => action === asked.action)
      .map((item) => ({ item, rank })),
  )
}

function orderEntries(app: AppState, agent: AgentSummary): (Entry & { action: ActionName })[] {
  const project = app.project(agent.project_id)
  if (!project || !app.permissions.may(project, 'control_agent')) return []
  return possibleOrders(agent).map(({ action, isAgain }) => {
    const { verb, is_final } = actionRow(action)
    return {
      id: `${agent.id} ${action} ${isAgain}`,
      label: `${verb} ${agent.name}${isAgain ? ' again' : ''}`,
      note: project.name,
      status: shownStatus(agent),
      isFinal: is_final,
      action,
      run: () => startOrderAt(action, agent, isAgain),
    }
  })
}

/** What can be done with an agent. */
export function entriesOf(app: AppState, agent: AgentSummary): Group[] {
  const { id, project_id, name } = agent
  const open = {
    id: `${id} open`,
    label: `Open ${name}`,
    run: () => goTo(links.agent(project_id, id)),
  }
  const children = app.live(project_id)?.trees.children(id).size ?? 0
  const others = [
    children > 0 && {
      id: `${id} children`,
      label: 'Show what it has started',
      note: formatCount(children),
      run: () => goTo(links.children(project_id, id)),
    },
    {
      id: `${id} copy`,
      label: 'Copy its ID',
      note: id,
      run: () => void copy('ID', id),
    },
  ]
  const entries: Entry[] = [open, ...orderEntries(app, agent), ...others.filter((entry) => entry !== false)]
  return [{ name, entries }]
}

/** What can be done with the agent and the project in sight. */
function here(app: AppState): Entry[] {
  const at = place.peek()
  const project_id = projectOf(at)
  const project = project_id === undefined ? undefined : app.project(project_id)
  if (!project) return []
  const live = app.live(project.id)
  const agent = live && agentInSight(at, live)
  return [
    ...(agent ? orderEntries(app, agent) : []),
    ...[...projectPages, ...furtherPages]
      .filter(([view]) => view !== 'connect' || app.permissions.may(project, 'manage_keys'))
      .map(
        ([view, label]): Entry => ({
          id: view,
          label,
          note: project.name,
          also: otherWords[view],
          run: () => goTo(links[view](project.id)),
        }),
      ),
    ...projectActions(app, project),
    ...(live ? releases(app, project, live) : []),
  ]
}

function agentInSight(at: Place, live: ProjectLive): AgentSummary | undefined {
  if (at.view === 'agent') return live.agents.get(at.agent_id)
  return at.view === 'fleet' ? highlightedOf(live) : undefined
}

function releases(app: AppState, project: Project, live: ProjectLive): Entry[] {
  if (!app.permissions.may(project, 'place_hold')) return []
  return [...live.holds.values()]
    .map((hold) => ({ hold, block: toBlock(hold) }))
    .filter(({ block }) => block.kind === 'hold')
    .map(({ hold, block }) => ({
      id: `release ${hold.id}`,
      label: `Release hold: ${hold.reason}`,
      note: project.name,
      run: () => startLifting(block),
    }))
}

const furtherPages = [
  ['connect', 'Connect an agent'],
  ['wall', 'Wall'],
] as const

/** What people may call what is on a page. */
const otherWords: Partial<Record<string, string>> = {
  log: 'events history',
  usage: 'cost spend',
  budgets: 'limits',
  members: 'people roles access add member',
  settings: 'webhooks rename delete project slug',
  connect: 'new agent spawn runtime snippet',
}

function projectActions(app: AppState, project: Project): Entry[] {
  const { permissions } = app
  const entries: Entry[] = []
  if (permissions.may(project, 'place_hold')) {
    entries.push({ id: 'hold', label: 'Hold some agents…', note: project.name, run: startHold })
  }
  if (permissions.may(project, 'control_agent')) {
    entries.push({
      id: 'stop',
      label: 'Stop everything…',
      also: 'pause terminate all agents',
      note: project.name,
      isFinal: true,
      run: () => startStopping(project.id),
    })
  }
  return entries
}

function projects(app: AppState, wanted: Wanted): Ranked[] {
  return (app.projects.peek().value ?? []).flatMap((project) => {
    const { id, name, slug, description } = project
    const rank = rankOf(wanted, name, [slug, description ?? ''])
    if (rank === undefined) return []
    const needs = app.live(id)?.concerns.peek().size ?? 0
    const item = {
      id,
      label: name,
      note: needs > 0 ? `${formatCount(needs)} need attention` : (description ?? slug),
      run: () => goTo(links.fleet(id)),
    }
    return [{ item, rank }]
  })
}

function pages(app: AppState): Entry[] {
  const open = app.inbox.count.peek()
  return [
    { id: 'projects', label: 'Projects', also: 'new project', run: () => goTo(links.projects) },
    {
      id: 'inbox',
      label: 'Inbox',
      note: open > 0 ? plural(open, 'open request') : undefined,
      run: () => goTo(links.requests()),
    },
    { id: 'types', label: 'Agent types', also: 'new type', run: () => goTo(links.types) },
    { id: 'api-keys', label: 'API keys', also: 'new key', run: () => goTo(links.keys) },
    ...(app.permissions.isSuperuser
      ? [
          { id: 'users', label: 'Users', also: 'new user reset password', run: () => goTo(links.users) },
          { id: 'audit', label: 'Audit trail', run: () => goTo(links.audit) },
        ]
      : []),
    { id: 'profile', label: 'Your profile', also: 'password name', run: () => goTo(links.profile) },
    { id: 'wall-all', label: 'Wall of all projects', run: () => goTo(links.wall()) },
    { id: 'keys', label: 'Keyboard shortcuts', run: showKeys },
  ]
}

function settings(session: Session): Entry[] {
  return [
    ...themes.map((value) => ({
      id: `theme ${value}`,
      label: `Theme: ${wordOf(value)}`,
      run: () => {
        theme.value = value
      },
    })),
    ...densities.map((value) => ({
      id: `density ${value}`,
      label: `Density: ${wordOf(value)}`,
      run: () => {
        density.value = value
      },
    })),
    ...zones.map((value) => ({
      id: `zone ${value}`,
      label: `Times: ${wordOf(value)}`,
      run: () => {
        shownZone.value = value
      },
    })),
    {
      id: 'out',
      label: 'Sign out',
      run: () =>
        void session
          .signOut()
          .catch((error: Error) => say('problem', `Couldn't sign out: ${capital(error.message)}`)),
    },
  ]
}
