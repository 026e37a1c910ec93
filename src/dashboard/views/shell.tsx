import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { say } from '../model/notices.ts'
import { links, type Place, place } from '../model/route.ts'
import type { Session } from '../model/session.ts'
import { Brand, Icon } from '../parts/icons.tsx'
import { useWorld } from '../world-context.ts'
import { Preferences } from './preferences.tsx'
import { ProjectView } from './project.tsx'
import { ProjectRail } from './project-rail.tsx'
import { Projects } from './projects.tsx'
import { Types } from './types.tsx'

const isRailOpen = signal(false)

const titles: Partial<Record<Place['view'], string>> = { projects: 'Projects', types: 'Agent types' }

/** The rail with all projects, and the place where one is. */
export function Shell({ session }: { session: Session }) {
  const at = place.value
  const world = useWorld()
  const project = 'project_id' in at ? world.project(at.project_id)?.name : undefined
  useEffect(() => {
    isRailOpen.value = false
  }, [at])
  useEffect(() => {
    document.title = [project ?? titles[at.view], 'Signalbox'].filter(Boolean).join(' · ')
  }, [at, project])
  return (
    <div class={isRailOpen.value ? 'shell rail-open' : 'shell'}>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <Rail session={session} />
      <main id="main" tabIndex={-1}>
        {at.view === 'projects' && <Projects />}
        {at.view === 'types' && <Types />}
        {'project_id' in at && <ProjectView key={at.project_id} place={at} />}
      </main>
    </div>
  )
}

function cannotSignOut(error: Error): void {
  say('problem', `You are still signed in: ${error.message}`)
}

function Rail({ session }: { session: Session }) {
  const { me } = useWorld()
  return (
    <nav class="rail" aria-label="Signalbox">
      <div class="rail-head">
        <a class="brand" href={links.projects}>
          <Brand />
          <span>Signalbox</span>
        </a>
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
        <ProjectRail />
        <a
          class="rail-link"
          href={links.types}
          aria-current={place.value.view === 'types' ? 'page' : undefined}
        >
          Agent types
        </a>
        <Preferences />
        <div class="rail-me">
          <span title={me.email}>{me.full_name ?? me.email}</span>
          <button type="button" class="quiet" onClick={() => void session.signOut().catch(cannotSignOut)}>
            Sign out
          </button>
        </div>
      </div>
    </nav>
  )
}
