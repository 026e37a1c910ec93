import { useEffect, useId, useRef, useState } from 'preact/hooks'
import type { Agent } from '#src/client/rest/rest.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { now } from '../model/clock.ts'
import { plural } from '../model/format.ts'
import { searchOthers } from '../model/search-others.ts'
import type { Session } from '../model/session.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { Lamp } from '../parts/marks.tsx'
import { agentEntry, type Entry, entriesOf, findEntries, type Group } from './palette-entries.ts'
import { takeTypedAhead } from './shortcuts.ts'

/** A pause in typing of this long asks the server. */
const ASK_AFTER_MS = 250
/** A single letter would find too much. */
const MIN_TEXT = 2

type Props = { session: Session; onClose: () => void }

/** Finds agents, projects, pages and actions by keyboard alone. It remembers nothing. */
export function Palette({ session, onClose }: Props) {
  const app = useAppState()
  const [text, setText] = useState(takeTypedAhead)
  const box = useRef<HTMLInputElement>(null)
  // The dialog is open now, and has selected what was typed before.
  useEffect(() => {
    const rest = takeTypedAhead()
    setText((typed) => typed + rest)
    const end = box.current?.value.length ?? 0
    box.current?.setSelectionRange(end, end)
  }, [])
  const [into, setInto] = useState<AgentSummary>()
  const [activeId, setActiveId] = useState<string>()
  const others = useOthers(into ? '' : text.trim())
  const list = useId()
  // What agents do now is in sight, too.
  void now.value
  const groups = into ? entriesOf(app, live(into) ?? into) : found()
  const entries = groups.flatMap((group) => group.entries)
  const active = entries.find(({ id }) => id === activeId) ?? entries[0]

  function live({ project_id, id }: AgentSummary): AgentSummary | undefined {
    return app.live(project_id)?.agents.get(id)
  }
  function found(): Group[] {
    const remote = others.agents.filter((agent) => !live(agent)).map((agent) => agentEntry(app, agent))
    const more = remote.length > 0 ? [{ name: 'Agents of other projects', entries: remote }] : []
    return [...findEntries(app, session, text), ...more]
  }
  const type = (next: string) => {
    setText(next)
    setActiveId(undefined)
  }
  const enter = (agent: AgentSummary | undefined) => {
    setInto(agent)
    setActiveId(undefined)
  }
  const pick = (entry: Entry) => {
    onClose()
    entry.run()
  }
  const move = (by: number) => {
    const index = active ? entries.indexOf(active) : -1
    const next = entries[(index + by + entries.length) % entries.length]
    setActiveId(next?.id)
    document.getElementById(optionId(list, next?.id))?.scrollIntoView({ block: 'nearest' })
  }
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLInputElement }) => {
    const { currentTarget: input, key, isComposing } = event
    if (isComposing || event.ctrlKey || event.altKey || event.metaKey) return
    const isAtEnd = input.selectionStart === input.value.length
    const handlers: Partial<Record<string, () => void>> = {
      ArrowDown: () => move(1),
      ArrowUp: () => move(-1),
      Enter: () => active && pick(active),
      ...(isAtEnd && active?.into && { ArrowRight: () => enter(active.into) }),
      ...(into && { ArrowLeft: () => enter(undefined), Backspace: () => enter(undefined) }),
      // In a browser's search box it would empty the box first.
      ...(into && { Escape: () => enter(undefined) }),
    }
    const handle = handlers[key]
    if (!handle) return
    event.preventDefault()
    handle()
  }
  return (
    <Dialog title="Search" kind="palette" onClose={onClose}>
      <div class="palette-box">
        <Icon name="search" />
        <input
          ref={box}
          type="text"
          role="combobox"
          aria-label={into ? `What to do with ${into.name}` : 'Search agents, projects, pages and actions'}
          aria-expanded={entries.length > 0}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={active && optionId(list, active.id)}
          placeholder={into ? into.name : 'Agent, project, page or action'}
          autoComplete="off"
          autoCapitalize="off"
          spellcheck={false}
          value={into ? '' : text}
          readOnly={into !== undefined}
          onInput={({ currentTarget }) => type(currentTarget.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <div id={list} class="palette-list" role="listbox" aria-label="Found">
        {groups.map((group) => (
          <div key={group.name} role="group" aria-label={group.name}>
            <p class="palette-group" aria-hidden="true">
              {group.name}
            </p>
            {group.entries.map((entry) => (
              <Option
                key={entry.id}
                id={optionId(list, entry.id)}
                entry={entry}
                isActive={entry === active}
                onActive={() => setActiveId(entry.id)}
                onPick={() => pick(entry)}
                onEnter={() => enter(entry.into)}
              />
            ))}
          </div>
        ))}
      </div>
      <p class="palette-foot">
        <span role="status">{say(entries.length, others)}</span>
        <span class="palette-keys" aria-hidden="true">
          <kbd>↵</kbd> choose {into ? <kbd>←</kbd> : <kbd>→</kbd>} {into ? 'back' : 'actions of an agent'}
        </span>
      </p>
    </Dialog>
  )
}

const optionId = (list: string, id: string | undefined) => `${list}-${id?.replaceAll(' ', '-')}`

function say(count: number, { isAsking, problem }: Others): string {
  const asking = isAsking ? ', asking the server for more' : ''
  if (count === 0) return isAsking ? 'Asking the server' : (problem ?? 'Nothing found')
  return `${plural(count, 'result')}${asking}${problem === undefined ? '' : `. ${problem}`}`
}

type OptionProps = {
  id: string
  entry: Entry
  isActive: boolean
  onActive: () => void
  onPick: () => void
  onEnter: () => void
}

function Option({ id, entry, isActive, onActive, onPick, onEnter }: OptionProps) {
  const { label, note, status, isFinal, into } = entry
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the box keeps the focus, and has the keys
    <div
      id={id}
      role="option"
      aria-selected={isActive}
      class={isFinal ? 'palette-option palette-final' : 'palette-option'}
      onPointerMove={onActive}
      onPointerDown={(event) => event.preventDefault()}
      onClick={onPick}
    >
      {status && <Lamp status={status} />}
      <span class="palette-label">{label}</span>
      {status && <span class="hidden">, {status}</span>}
      {note && <span class="palette-note">{note}</span>}
      {into && (
        <span
          class="palette-into"
          title="Actions"
          aria-hidden="true"
          onClick={(event) => {
            event.stopPropagation()
            onEnter()
          }}
        >
          <Icon name="more" />
        </span>
      )}
    </div>
  )
}

type Others = { agents: readonly Agent[]; isAsking: boolean; problem?: string | undefined }

/** Agents of projects that are not live here: the server knows them. A newer text cancels the question. */
function useOthers(text: string): Others {
  const app = useAppState()
  const [others, setOthers] = useState<Others>({ agents: [], isAsking: false })
  useEffect(() => {
    setOthers({ agents: [], isAsking: false })
    const projects = (app.projects.peek().value ?? []).filter(({ id }) => !app.live(id)?.isFilled)
    if (text.length < MIN_TEXT || projects.length === 0) return
    const abort = new AbortController()
    const timer = setTimeout(async () => {
      setOthers({ agents: [], isAsking: true })
      try {
        const api = app.api.with({ signal: abort.signal })
        await searchOthers(api, { projects, text }, (agents) => setOthers({ agents, isAsking: true }))
        setOthers(({ agents }) => ({ agents, isAsking: false }))
      } catch (error) {
        if (abort.signal.aborted) return
        const problem = `Couldn't search other projects: ${error instanceof Error ? error.message : error}`
        setOthers(({ agents }) => ({ agents, isAsking: false, problem }))
      }
    }, ASK_AFTER_MS)
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [app, text])
  return others
}
