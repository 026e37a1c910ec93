import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { downloadText } from '../model/download.ts'
import { say } from '../model/notices.ts'
import { sayError } from '../model/problems.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { query, replaceQuery } from '../model/route.ts'
import {
  type MeasureName,
  measureNames,
  measures,
  rangeNames,
  ranges,
  readCsv,
  type UsageView,
} from '../model/usage.ts'
import { byLabel, groupings, labelKeys, sayGrouping } from '../model/usage-names.ts'
import { Segments } from '../parts/segments.tsx'
import { Select } from '../parts/select.tsx'

type Props = { project: Project; live: ProjectLive; view: UsageView; measure: MeasureName }

/** The range, the groups, the measure and the agents that count. */
export function UsageControls({ project, live, view, measure }: Props) {
  const groups = [
    ...Object.entries(groupings),
    ...labelKeys(live).map((key) => [byLabel(key), sayGrouping(byLabel(key))] as const),
  ]
  return (
    <div class="usage-controls">
      <Segments
        legend="Time"
        name="over"
        value={view.over}
        choices={rangeNames.map((name) => [name, ranges[name].label])}
        onChange={(over) => replaceQuery({ over })}
      />
      <Select
        label="Group by"
        value={view.by}
        choices={groups.map(([value, label]) => [value, `By ${label.toLowerCase()}`])}
        onChange={(by) => replaceQuery({ by })}
      />
      <Select
        label="Show"
        value={measure}
        choices={measureNames.map((name) => [name, measures[name].label])}
        onChange={(show) => replaceQuery({ show })}
      />
      <label class="usage-search">
        <span class="hidden">Agents with labels</span>
        <input
          type="search"
          placeholder="All agents, or label=value"
          spellcheck={false}
          autoCapitalize="off"
          value={query.value.get('q') ?? ''}
          onInput={({ currentTarget }) => replaceQuery({ q: currentTarget.value })}
        />
      </label>
      <Export project={project} view={view} />
    </div>
  )
}

function Export({ project, view }: { project: Project; view: UsageView }) {
  const { token } = useAppState()
  const [isBusy, setBusy] = useState(false)
  const save = async () => {
    setBusy(true)
    try {
      const csv = await readCsv({ token, project_id: project.id, view }, Date.now())
      downloadText(`usage-${project.slug}-${view.over}-${view.by.replaceAll(/[^\w-]/g, '-')}.csv`, csv)
    } catch (error) {
      say('problem', `Couldn't export: ${sayError(error)}`)
    }
    setBusy(false)
  }
  return (
    <button type="button" disabled={isBusy} onClick={() => void save()}>
      Export CSV
    </button>
  )
}
