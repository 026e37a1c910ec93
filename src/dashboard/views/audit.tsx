import { useEffect, useMemo, useState } from 'preact/hooks'
import type { AuditEntry } from '#src/client/rest/rest.ts'
import type { Actor } from '#src/domain/actor.ts'
import { auditActions } from '#src/domain/audit.ts'
import { useAppState } from '../app-state-context.ts'
import type { AppState } from '../model/app-state.ts'
import { type AuditNames, readAuditFilters, sayAction, sayActor, sayEntry } from '../model/audit.ts'
import { formatFullTime } from '../model/format.ts'
import { useLoaded } from '../model/loaded.ts'
import { sayError } from '../model/problems.ts'
import { query, replaceQuery } from '../model/route.ts'
import { Select } from '../parts/select.tsx'
import { State } from '../parts/states.tsx'

const PAGE_SIZE = 100

/** Who changed users, members, keys, holds, budgets and webhooks, and who signed in. Filters are in the address. */
export function AuditView() {
  const { api, permissions } = useAppState()
  const key = JSON.stringify(readAuditFilters(query.value))
  const filters = useMemo(() => JSON.parse(key) as ReturnType<typeof readAuditFilters>, [key])
  const [more, setMore] = useState<{ entries: AuditEntry[]; next: string | null }>()
  const [isReading, setReading] = useState(false)
  const [lateProblem, setLateProblem] = useState<string>()
  useEffect(() => {
    setMore(undefined)
    setLateProblem(undefined)
  }, [key])
  const first = useLoaded(key, async () => {
    if (!permissions.isSuperuser) return { key, data: [], next_cursor: null }
    return { key, ...(await api.audit.list({ ...filters, cursor: '', limit: PAGE_SIZE })) }
  })
  if (!permissions.isSuperuser) {
    return <State kind="problem" title="Only admins can read the audit trail" />
  }
  const value = first.value?.key === key ? first.value : undefined
  const entries = [...(value?.data ?? []), ...(more?.entries ?? [])]
  const next = more ? more.next : (value?.next_cursor ?? null)
  const readMore = async () => {
    if (next === null || isReading) return
    setReading(true)
    try {
      const step = await api.audit.list({ ...filters, cursor: next, limit: PAGE_SIZE })
      setMore({ entries: [...(more?.entries ?? []), ...step.data], next: step.next_cursor })
      setLateProblem(undefined)
    } catch (error) {
      setLateProblem(sayError(error))
    }
    setReading(false)
  }
  const problem = first.problem ?? lateProblem
  return (
    <section class="page audit" aria-label="Audit trail">
      <header class="page-head">
        <h1>Audit trail</h1>
        <p class="faint">Commands, limits and answers are in the log of each project.</p>
      </header>
      <Filters entries={entries} />
      {problem !== undefined && (
        <p class="form-problem" role="alert">
          Couldn't read the audit trail: {problem}
        </p>
      )}
      {!value && first.problem === undefined && <State kind="loading" title="Reading the audit trail" />}
      {value && entries.length === 0 && <State title="No entries match these filters" />}
      {entries.length > 0 && <Entries entries={entries} />}
      {next !== null && (
        <p class="log-edge">
          <button type="button" aria-disabled={isReading} onClick={() => void readMore()}>
            {isReading ? 'Reading…' : 'Load older entries'}
          </button>
        </p>
      )}
    </section>
  )
}

function Filters({ entries }: { entries: readonly AuditEntry[] }) {
  const app = useAppState()
  const actors = new Map(
    entries.flatMap(({ actor }) => (actor.id === null ? [] : [[actor.id, app.permissions.nameOf(actor)]])),
  )
  const projects = app.projects.value.value ?? []
  return (
    <div class="usage-controls log-controls">
      <Select
        label="Action"
        value={query.value.get('action') ?? undefined}
        all="All actions"
        choices={auditActions.map((action) => [action, sayAction(action)])}
        onChange={(action) => replaceQuery({ action })}
      />
      <Select
        label="Actor"
        value={query.value.get('actor') ?? undefined}
        all="By anyone"
        choices={[...actors].map(([id, name]) => [id, `By ${name}`])}
        onChange={(actor) => replaceQuery({ actor })}
      />
      <Select
        label="Project"
        value={query.value.get('project') ?? undefined}
        all="All projects"
        choices={projects.map(({ id, name }) => [id, name])}
        onChange={(project) => replaceQuery({ project })}
      />
      <Day name="from" label="From" />
      <Day name="to" label="To" />
    </div>
  )
}

function Day({ name, label }: { name: 'from' | 'to'; label: string }) {
  return (
    <label class="log-time">
      <span>{label}</span>
      <input
        type="date"
        value={query.value.get(name) ?? ''}
        onChange={({ currentTarget }) => replaceQuery({ [name]: currentTarget.value })}
      />
    </label>
  )
}

function Entries({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <div class="panel">
      <table class="table table-cards">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Project</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Entry({ entry }: { entry: AuditEntry }) {
  const app = useAppState()
  const { at, project_id } = entry
  const nameOf = (actor: Actor) => app.permissions.nameOf(actor)
  const names: AuditNames = {
    user: (id) => nameOf({ kind: 'user', id }),
    agent: (id, project) => (project ? app.names(project).agent(id) : id),
  }
  return (
    <tr>
      <td>
        <time dateTime={at}>{formatFullTime(at)}</time>
      </td>
      <td data-label="Who">{sayActor(entry, nameOf)}</td>
      <td data-label="What" class="audit-what">
        {sayEntry(entry, names)}
      </td>
      <td data-label={project_id ? 'Project' : undefined}>{project_id && nameOfProject(app, project_id)}</td>
    </tr>
  )
}

/** An admin sees every project, so one that is not listed is gone. */
function nameOfProject(app: AppState, project_id: string): string {
  const name = app.project(project_id)?.name
  if (name !== undefined || !app.projects.value.value) return name ?? ''
  return `deleted project ${project_id.slice(-6)}`
}
