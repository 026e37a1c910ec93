import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import type { AppState } from '../model/app-state.ts'
import { now } from '../model/clock.ts'
import { formatCount, formatSpan, formatTime, plural } from '../model/format.ts'
import { keepAwake } from '../model/keep-awake.ts'
import { links } from '../model/links.ts'
import { goTo, query } from '../model/route.ts'
import { calm, levelOf, orderWall, urgencyOf, wallGrid, wallPage } from '../model/wall.ts'
import { Brand, Icon } from '../parts/icons.tsx'
import { State } from '../parts/states.tsx'
import { type Tile, WallTile } from './wall-tile.tsx'

/** Long enough to read a page of tiles. */
const TURN_MS = 15_000
/** Without a move of the pointer for this long, only the tiles are shown. */
const STILL_MS = 3_000

/** So many names can be read from afar. */
const NAMES = 3
const NAMES_ABOVE_NONE = 8

/** All projects, or one, for a screen on a wall: exceptions first, nothing to operate, until Esc. */
export function Wall() {
  const app = useAppState()
  const only = query.value.get('project') ?? undefined
  const listed = app.projects.value
  const projects = (listed.value ?? []).filter(({ id }) => only === undefined || id === only)
  const tiles = orderWall(projects.map((project) => weigh(app, project)))
  const ratio = useRatio()
  const grid = wallGrid(tiles.length, ratio)
  const turns = useTurns()
  const exceptions = tiles.filter(({ urgency }) => urgency < calm).length
  const places = grid.columns * grid.rows
  const { shown, pages } = wallPage(tiles, { places, exceptions, turn: turns.turn })
  const isStill = useStill()
  useEffect(keepAwake, [])
  useLayoutEffect(() => listen(only, turns.toggle), [only, turns.toggle])
  return (
    <main id="main" tabIndex={-1} class={classOf(app, isStill)}>
      <WallHead tiles={tiles} only={only} pages={pages} turns={turns} />
      {!listed.value && (
        <State
          kind={listed.problem ? 'problem' : 'loading'}
          title={listed.problem ?? 'Loading the projects'}
        />
      )}
      {listed.value && tiles.length === 0 && (
        <State title={only ? "You don't have access to this project" : 'No projects yet'} />
      )}
      <ul
        class={tiles.length === 1 ? 'wall-tiles wall-one' : 'wall-tiles'}
        style={{ '--columns': grid.columns, '--rows': grid.rows }}
      >
        {shown.map((tile) => (
          <li key={tile.project.id}>
            <WallTile
              tile={tile}
              isAlone={only !== undefined}
              names={grid.rows === 1 ? NAMES_ABOVE_NONE : NAMES}
            />
          </li>
        ))}
      </ul>
    </main>
  )
}

function classOf(app: AppState, isStill: boolean): string {
  const isSilent = app.silentSince.value !== undefined
  const classes = [
    'wall',
    `wall-${app.connection.value.kind}`,
    isSilent && 'wall-silent',
    isStill && 'wall-still',
  ]
  return classes.filter(Boolean).join(' ')
}

function weigh(app: AppState, project: Project): Tile {
  const live = app.live(project.id)
  const concerns = live?.concerns.value
  return {
    project,
    live,
    urgency: concerns ? urgencyOf(concerns) : calm,
    count: concerns?.size ?? 0,
  }
}

type Turns = ReturnType<typeof useTurns>

/** The next tiles every `TURN_MS`, unless they are held. */
function useTurns() {
  const [state, setState] = useState({ turn: 0, isHeld: false })
  useEffect(() => {
    if (state.isHeld) return
    const timer = setInterval(() => setState(({ turn }) => ({ turn: turn + 1, isHeld: false })), TURN_MS)
    return () => clearInterval(timer)
  }, [state.isHeld])
  const [toggle] = useState(() => () => setState(({ turn, isHeld }) => ({ turn, isHeld: !isHeld })))
  return { ...state, toggle }
}

function listen(only: string | undefined, toggleTurns: () => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    const { key, target } = event
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return
    if (target instanceof Element && target.closest('dialog, button, a')) {
      if (key !== 'Escape' || target.closest('dialog')) return
    }
    if (key === 'Escape') leave(only)
    else if (key === ' ') toggleTurns()
    else return
    event.preventDefault()
  }
  document.addEventListener('keydown', onKey)
  return () => document.removeEventListener('keydown', onKey)
}

function leave(only: string | undefined): void {
  if (document.fullscreenElement) void document.exitFullscreen()
  goTo(only === undefined ? links.projects : links.fleet(only))
}

function useRatio(): number {
  const [ratio, setRatio] = useState(innerWidth / innerHeight)
  useEffect(() => {
    const look = () => setRatio(innerWidth / innerHeight)
    addEventListener('resize', look)
    return () => removeEventListener('resize', look)
  }, [])
  return ratio
}

/** Whether nobody uses the pointer or the keys. */
function useStill(): boolean {
  const [isStill, setStill] = useState(false)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const move = () => {
      clearTimeout(timer)
      setStill(false)
      timer = setTimeout(() => setStill(true), STILL_MS)
    }
    move()
    const events = ['pointermove', 'pointerdown', 'keydown'] as const
    for (const name of events) addEventListener(name, move)
    return () => {
      clearTimeout(timer)
      for (const name of events) removeEventListener(name, move)
    }
  }, [])
  return isStill
}

type HeadProps = { tiles: readonly Tile[]; only: string | undefined; pages: number; turns: Turns }

function WallHead({ tiles, only, pages, turns }: HeadProps) {
  const app = useAppState()
  const count = tiles.reduce((sum, tile) => sum + tile.count, 0)
  const asked = app.inbox.open.value.filter(
    ({ project_id }) => only === undefined || project_id === only,
  ).length
  const title = only === undefined ? 'All projects' : (app.project(only)?.name ?? 'Wall')
  return (
    <header class="wall-head">
      <h1>
        <Brand />
        {title}
      </h1>
      <p
        class={`wall-sum wall-${levelOf(Math.min(calm, ...tiles.map(({ urgency }) => urgency)))}`}
        role="status"
      >
        {count > 0 ? `${formatCount(count)} ${count === 1 ? 'needs' : 'need'} attention` : 'All calm'}
        {asked > 0 && <span class="wall-asked"> · {plural(asked, 'open request')}</span>}
      </p>
      <WallConnection />
      <time class="wall-clock" dateTime={new Date(now.value).toISOString()}>
        {formatTime(now.value).slice(0, 5)}
      </time>
      <div class="wall-controls">
        {pages > 1 && (
          <button type="button" aria-pressed={turns.isHeld} onClick={turns.toggle}>
            {turns.isHeld ? 'Go through the projects' : 'Stay here'}
          </button>
        )}
        {document.fullscreenEnabled && (
          <button type="button" onClick={() => void toggleFullScreen()}>
            Full screen
          </button>
        )}
        <button type="button" onClick={() => leave(only)}>
          <Icon name="close" />
          Leave (Esc)
        </button>
      </div>
    </header>
  )
}

async function toggleFullScreen(): Promise<void> {
  await (document.fullscreenElement
    ? document.exitFullscreen()
    : document.documentElement.requestFullscreen())
}

/** On a wall nobody may take an old state for the present one. */
function WallConnection() {
  const app = useAppState()
  const state = app.connection.value
  const silentSince = app.silentSince.value
  if (state.kind === 'offline') {
    return (
      <p class="wall-connection wall-alarm" role="status">
        Offline since {formatTime(state.since)}. Shows the last known state.
      </p>
    )
  }
  if (state.kind === 'closed')
    return (
      <p class="wall-connection wall-alarm" role="status">
        Not connected
      </p>
    )
  if (silentSince === undefined) return null
  return (
    <p class="wall-connection wall-alarm" role="status">
      No answer for {formatSpan(now.value - silentSince)}
    </p>
  )
}
