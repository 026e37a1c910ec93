import { useState } from 'preact/hooks'
import { type ApiKey, type CreatedKey, eachItem } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { now } from '../model/clock.ts'
import { formatFullTime } from '../model/format.ts'
import { links } from '../model/links.ts'
import { useLoaded } from '../model/loaded.ts'
import { say } from '../model/notices.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Icon } from '../parts/icons.tsx'
import { Ago } from '../parts/marks.tsx'
import { ShownOnce } from '../parts/secret.tsx'
import { State } from '../parts/states.tsx'
import { KeyForm } from './key-form.tsx'

type Asked = { kind: 'new' } | { kind: 'revoke'; key: ApiKey }

/** The user's keys, and those of the user's projects; all of them for superusers. */
export function Keys() {
  const { api, permissions } = useAppState()
  const [asked, setAsked] = useState<Asked>()
  const { value, problem, reload } = useLoaded('keys', async () => {
    const keys = await Array.fromAsync(eachItem((page) => api.keys.list(page)))
    permissions.people.learnKeys(keys)
    return keys
  })
  const close = () => {
    setAsked(undefined)
    reload()
  }
  return (
    <div class="page">
      <header class="page-head">
        <h1>API keys</h1>
        <button type="button" class="main" onClick={() => setAsked({ kind: 'new' })}>
          <Icon name="plus" />
          New key
        </button>
      </header>
      {!value && problem === undefined && <State kind="loading" title="Loading the keys" />}
      {problem !== undefined && <State kind="problem" title={problem} />}
      {value?.length === 0 && (
        <State title="No API keys yet">
          <p>A key lets a program run agents of a project, or control or watch them.</p>
        </State>
      )}
      {value && value.length > 0 && (
        <table class="table table-cards">
          <thead>
            <tr>
              <th>Name</th>
              <th>Role</th>
              <th>Project</th>
              <th>Created by</th>
              <th>Last used</th>
              <th>Expires</th>
              <th class="hidden-head">Actions</th>
            </tr>
          </thead>
          <tbody>
            {value.map((key) => (
              <KeyRow key={key.id} item={key} onRevoke={() => setAsked({ kind: 'revoke', key })} />
            ))}
          </tbody>
        </table>
      )}
      {asked?.kind === 'new' && <NewKey onCreated={reload} onClose={close} />}
      {asked?.kind === 'revoke' && <Revoke item={asked.key} onClose={close} />}
    </div>
  )
}

function KeyRow({ item, onRevoke }: { item: ApiKey; onRevoke: () => void }) {
  const app = useAppState()
  const { project_id, last_used_at, expires_at } = item
  return (
    <tr>
      <td>
        <b>{item.name}</b>{' '}
        <span class="faint" title={item.id}>
          {item.id.slice(-6)}
        </span>
      </td>
      <td data-label="Role">{item.role}</td>
      <td data-label="Project">
        {project_id === null ? (
          'all that its creator may access'
        ) : (
          <a href={links.fleet(project_id)}>
            {app.project(project_id)?.name ?? `project ${project_id.slice(-6)}`}
          </a>
        )}
      </td>
      <td data-label="Created by">
        {app.permissions.nameOf({ kind: 'user', id: item.maker_id })}, {formatFullTime(item.created_at)}
      </td>
      <td data-label="Last used">
        <span>
          <Ago time={last_used_at} />
          {last_used_at && ' ago'}
        </span>
      </td>
      <td data-label="Expires">
        <Expiry time={expires_at} />
      </td>
      <td class="table-actions">
        <button type="button" class="quiet" onClick={onRevoke}>
          Revoke<span class="hidden"> {item.name}</span>
        </button>
      </td>
    </tr>
  )
}

function Expiry({ time }: { time: string | null }) {
  if (time === null) return <span class="faint">never</span>
  const isOver = Date.parse(time) <= now.value
  return (
    <time dateTime={time} class={isOver ? 'over' : ''}>
      {isOver && 'expired '}
      {formatFullTime(time)}
    </time>
  )
}

function NewKey({ onCreated, onClose }: { onCreated: () => void; onClose: () => void }) {
  const app = useAppState()
  const [created, setCreated] = useState<CreatedKey>()
  const show = (key: CreatedKey) => {
    setCreated(key)
    onCreated()
  }
  const projects = app.projects.value.value ?? []
  const own = projects.filter((project) => app.permissions.may(project, 'manage_keys'))
  const mayControl =
    app.permissions.isSuperuser || projects.some((project) => app.permissions.may(project, 'control_agent'))
  if (created) {
    return (
      <Dialog title={`New API key “${created.name}”`} onClose={onClose}>
        <ShownOnce label="Key" text={created.key} onDone={onClose} />
      </Dialog>
    )
  }
  return (
    <Dialog title="New API key" onClose={onClose}>
      <KeyForm projects={own} mayControl={mayControl} onCancel={onClose} onCreated={show} />
    </Dialog>
  )
}

function Revoke({ item, onClose }: { item: ApiKey; onClose: () => void }) {
  const { api } = useAppState()
  const revoke = async () => {
    await api.keys.revoke(item.id)
    say('done', `Revoked the key “${item.name}”`)
  }
  return (
    <Confirm title={`Revoke the key “${item.name}”`} submit="Revoke" onClose={onClose} onConfirm={revoke}>
      <p>
        Programs with it are disconnected within 5 seconds, and their agents are left without a runtime. This
        can't be undone.
      </p>
    </Confirm>
  )
}
