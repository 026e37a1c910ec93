import { useEffect, useRef, useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { actorKinds } from '#src/domain/actor.ts'
import { eventNames } from '#src/domain/events.ts'
import { fold } from '#src/domain/text.ts'
import { useAppState } from '../app-state-context.ts'
import { downloadText } from '../model/download.ts'
import { eventWords } from '../model/events.ts'
import { formatCount, plural } from '../model/format.ts'
import type { LogFilters } from '../model/log.ts'
import { type ExportFormat, type ExportProgress, exportFormats, exportLog } from '../model/log-export.ts'
import { say } from '../model/notices.ts'
import { sayError } from '../model/problems.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { query, replaceQuery } from '../model/route.ts'
import { fromFieldTime, toFieldTime, zone } from '../model/zone.ts'
import { Icon } from '../parts/icons.tsx'
import { Select } from '../parts/select.tsx'

type Props = { project: Project; live: ProjectLive; filters: LogFilters }

/** A runtime acts by the credential that it has. */
const actorWords = {
  user: 'people',
  api_key: 'API keys (most runtimes)',
  runtime: 'agent tokens (other runtimes)',
  system: 'Signalbox',
} as const satisfies Record<(typeof actorKinds)[number], string>

/** The filters, a time to jump to, and the export. */
export function LogControls({ project, live, filters }: Props) {
  return (
    <div class="usage-controls log-controls">
      <Select
        label="Event"
        value={filters.name}
        all="All events"
        choices={eventNames.map((name) => [name, eventWords[name]])}
        onChange={(name) => replaceQuery({ name })}
      />
      <Select
        label="By"
        value={filters.actor}
        all="By anyone"
        choices={actorKinds.map((kind) => [kind, `By ${actorWords[kind]}`])}
        onChange={(actor) => replaceQuery({ actor })}
      />
      <AgentFilter live={live} agent_id={filters.agent_id} />
      <label class="usage-search">
        <span class="hidden">Text</span>
        <input
          type="search"
          placeholder="Text: name, task, label, reason"
          spellcheck={false}
          maxLength={200}
          value={query.value.get('q') ?? ''}
          onInput={({ currentTarget }) => replaceQuery({ q: currentTarget.value })}
        />
      </label>
      <TimeJump />
      <LogExport project={project} filters={filters} />
    </div>
  )
}

const MAX_SUGGESTED = 50

function AgentFilter({ live, agent_id }: { live: ProjectLive; agent_id: string | undefined }) {
  const [text, setText] = useState('')
  if (agent_id !== undefined) {
    return (
      <span class="filter-chip">
        <span>Agent {live.nameOf(agent_id)}</span>
        <button
          type="button"
          class="quiet square"
          aria-label="Show all agents"
          onClick={() => replaceQuery({ agent: undefined })}
        >
          <Icon name="close" />
        </button>
      </span>
    )
  }
  const asked = fold(text.trim())
  const found = asked ? [...live.agents.values()].filter(({ name }) => fold(name).includes(asked)) : []
  const choose = (typed: string) => {
    setText(typed)
    const exact = [...live.agents.values()].find(({ name, id }) => name === typed || id === typed)
    if (!exact) return
    setText('')
    replaceQuery({ agent: exact.id })
  }
  return (
    <label>
      <span class="hidden">Agent</span>
      <input
        type="search"
        placeholder="Agent"
        list="log-agents"
        autoComplete="off"
        value={text}
        onInput={({ currentTarget }) => choose(currentTarget.value)}
      />
      <datalist id="log-agents">
        {found.slice(0, MAX_SUGGESTED).map(({ id, name }) => (
          <option key={id} value={name} />
        ))}
      </datalist>
    </label>
  )
}

function TimeJump() {
  return (
    <label class="log-time">
      <span>Up to{zone.value === 'utc' && ' (UTC)'}</span>
      <input
        type="datetime-local"
        step={1}
        value={toFieldTime(query.value.get('time'))}
        onChange={({ currentTarget: { value } }) => {
          replaceQuery({ time: fromFieldTime(value), seq: undefined })
        }}
      />
    </label>
  )
}

/** Saves all that matches, whatever is loaded here. */
function LogExport({ project, filters }: Omit<Props, 'live'>) {
  const { api } = useAppState()
  const [progress, setProgress] = useState<ExportProgress>()
  const running = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  const save = async (format: ExportFormat) => {
    const controller = new AbortController()
    running.current = controller
    setProgress({ looked: 0, of: 0, found: 0 })
    try {
      const asked = { api, project_id: project.id, filters, format, signal: controller.signal }
      const { text, found, isCut } = await exportLog(asked, setProgress)
      downloadText(`events-${project.slug}.${format}`, text, exportFormats[format].type)
      if (isCut)
        say(
          'problem',
          `The file has the oldest ${formatCount(found)} events that match: narrow the filters for the others`,
        )
      else say('done', `Exported ${plural(found, 'event')}`)
    } catch (error) {
      if (!controller.signal.aborted) {
        say('problem', `Couldn't export: ${sayError(error)}`)
      }
    }
    setProgress(undefined)
  }
  if (progress) {
    return (
      <span class="log-export" role="status">
        <progress max={progress.of || 1} value={progress.looked} aria-label="Export" />
        {plural(progress.found, 'event')}
        <button type="button" onClick={() => running.current?.abort()}>
          Cancel
        </button>
      </span>
    )
  }
  return (
    <span class="log-export">
      {(Object.keys(exportFormats) as ExportFormat[]).map((format) => (
        <button key={format} type="button" onClick={() => void save(format)}>
          Export {exportFormats[format].label}
        </button>
      ))}
    </span>
  )
}
