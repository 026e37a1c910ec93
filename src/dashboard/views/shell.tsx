import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect } from 'preact/hooks'
import { useAppState } from '../app-state-context.ts'
import { formatCount } from '../model/format.ts'
import { showIcon } from '../model/icon.ts'
import { links } from '../model/links.ts'
import { say } from '../model/notices.ts'
import { type Place, place, projectOf } from '../model/route.ts'
import type { Session } from '../model/session.ts'
import { ConnectionBar } from '../parts/connection.tsx'
import { Brand, Icon } from '../parts/icons.tsx'
import { keepFocus } from '../parts/keep-focus.ts'
import { lazy, loadAhead } from '../parts/lazy.tsx'
import { Preferences } from './preferences.tsx'
import { ProjectView } from './project.tsx'
import { ProjectRail } from './project-rail.tsx'
import { Projects } from './projects.tsx'
import { isShowingKeys, isShowingPalette, listenToKeys, paletteKeys, showPalette } from './shortcuts.ts'

/** The first view has been drawn by then. */
const LOAD_AHEAD_MS = 2_000

const isRailOpen = signal(false)

const titles: Partial<Record<Place['view'], string>> = {
  projects: 'Projects',
  types: 'Agent types',
  audit: 'Audit trail',
  keys: 'API keys',
  users: 'Users',
  profile: 'Your profile',
  requests: 'Inbox',
  request: 'Inbox',
  wall: 'Wall',
}

/** The rail with all projects, and the current page. */
export function Shell({ session }: { session: Session }) {
  const at = place.value
  const app = useAppState()
  const project_id = projectOf(at)
  const project = project_id === undefined ? undefined : app.project(project_id)?.name
  const count = app.inbox.count.value
  const needing = app.needing.value
  const agent = at.view === 'agent' ? app.live(at.project_id)?.agents.get(at.agent_id)?.name : undefined
  useLayoutEffect(() => listenToKeys(app), [app])
  useEffect(keepFocus, [])
  useEffect(() => {
    const timer = setTimeout(() => void loadAhead(), LOAD_AHEAD_MS)
    return () => clearTimeout(timer)
  }, [])
  useEffect(() => {
    isRailOpen.value = false
    focusPage()
  }, [at])
  useEffect(() => {
    const name = [agent, project ?? titles[at.view], 'Signalbox'].filter(Boolean).join(' · ')
    const asked = count > 0 ? `(${formatCount(count)}) ${name}` : name
    document.title = needing > 0 ? `${formatCount(needing)}! ${asked}` : asked
    showIcon(needing > 0)
  }, [at, agent, project, count, needing])
  if (at.view === 'wall') {
    return (
      <>
        <Wall />
        <Overlays session={session} />
      </>
    )
  }
  return (
    <div class={`shell shell-${app.connection.value.kind}${isRailOpen.value ? ' rail-open' : ''}`}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <Rail session={session} />
      <Overlays session={session} />
      <main id="main" tabIndex={-1}>
        {(at.view === 'request' || !('project_id' in at)) && <ConnectionBar />}
        {at.view === 'projects' && <Projects />}
        {at.view === 'types' && <Types />}
        {at.view === 'audit' && <Audit />}
        {at.view === 'keys' && <Keys />}
        {at.view === 'users' && <Users />}
        {at.view === 'profile' && <Profile />}
        {(at.view === 'requests' || at.view === 'request') && <Inbox />}
        {at.view !== 'request' && 'project_id' in at && <ProjectView key={at.project_id} place={at} />}
      </main>
    </div>
  )
}

const Inbox = lazy('the inbox', async () => (await import('./inbox.tsx')).InboxView)
const Audit = lazy('the audit trail', async () => (await import('./audit.tsx')).AuditView)
const KeysDialog = lazy('the shortcuts', async () => (await import('./keys-dialog.tsx')).KeysDialog)
const Palette = lazy('the search', async () => (await import('./palette.tsx')).Palette)
const Wall = lazy('the wall', async () => (await import('./wall.tsx')).Wall)
const Keys = lazy('the keys', async () => (await import('./keys.tsx')).Keys)
const Profile = lazy('your profile', async () => (await import('./profile.tsx')).Profile)
const Users = lazy('the users', async () => (await import('./users.tsx')).Users)
const Types = lazy('the types', async () => (await import('./types.tsx')).Types)

/** What has the focus may go with its page: then the new page has it. */
function focusPage(): void {
  const { activeElement } = document
  if (activeElement === null || activeElement === document.body) {
    document.getElementById('main')?.focus({ preventScroll: true })
  }
}

/** The dialogs that open over any page. */
function Overlays({ session }: { session: Session }) {
  const closeKeys = () => {
    isShowingKeys.value = false
  }
  const closePalette = () => {
    isShowingPalette.value = false
  }
  return (
    <div class="overlays">
      {isShowingKeys.value && <KeysDialog onClose={closeKeys} />}
      {isShowingPalette.value && <Palette session={session} onClose={closePalette} />}
    </div>
  )
}

function showSignOutFailure(error: Error): void {
  say('problem', `Couldn't sign out: ${error.message}`)
}

/** The short one stays in sight on a phone, while there is something to answer. */
function InboxLink({ isShort = false }: { isShort?: boolean }) {
  const count = useAppState().inbox.count.value
  const { view } = place.value
  if (isShort && count === 0) return null
  return (
    <a
      class={isShort ? 'rail-link rail-inbox rail-inbox-short' : 'rail-link rail-inbox'}
      href={links.requests()}
      aria-current={view === 'requests' || view === 'request' ? 'page' : undefined}
    >
      <Icon name="inbox" />
      Inbox
      {count > 0 && (
        <b class="rail-badge">
          {formatCount(count)} <span class="hidden">open</span>
        </b>
      )}
    </a>
  )
}

function RailLink({ view }: { view: 'types' | 'keys' | 'users' | 'audit' }) {
  const current = place.value.view === view ? 'page' : undefined
  return (
    <a class="rail-link" href={links[view]} aria-current={current}>
      {titles[view]}
    </a>
  )
}

function Rail({ session }: { session: Session }) {
  const { me, permissions } = useAppState()
  return (
    <nav class="rail" aria-label="Signalbox">
      <div class="rail-head">
        <a class="brand" href={links.projects}>
          <Brand />
          <span>Signalbox</span>
        </a>
        <InboxLink isShort />
        <button type="button" class="quiet square rail-find" aria-label="Search" onClick={showPalette}>
          <Icon name="search" />
        </button>
        <button
          type="button"
          class="quiet square rail-toggle"
          aria-label="Menu"
          aria-expanded={isRailOpen.value}
          onClick={() => {
            isRailOpen.value = !isRailOpen.value
          }}
        >
          <Icon name={isRailOpen.value ? 'close' : 'menu'} />
        </button>
      </div>
      <div class="rail-body">
        <button type="button" class="rail-search" onClick={showPalette}>
          <Icon name="search" />
          Search
          <span class="key" aria-hidden="true">
            {paletteKeys}
          </span>
        </button>
        <InboxLink />
        <ProjectRail />
        <RailLink view="types" />
        <RailLink view="keys" />
        {permissions.isSuperuser && <RailLink view="users" />}
        {permissions.isSuperuser && <RailLink view="audit" />}
        <Preferences />
        <div class="rail-me">
          <a
            href={links.profile}
            title={`${me.email}: your profile`}
            aria-current={place.value.view === 'profile' ? 'page' : undefined}
          >
            {me.full_name ?? me.email}
          </a>
          <button
            type="button"
            class="quiet"
            onClick={() => void session.signOut().catch(showSignOutFailure)}
          >
            Sign out
          </button>
        </div>
      </div>
    </nav>
  )
}
