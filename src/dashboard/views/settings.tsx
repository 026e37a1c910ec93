import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { plural } from '../model/format.ts'
import { links } from '../model/links.ts'
import { say } from '../model/notices.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { goTo } from '../model/route.ts'
import { Confirm } from '../parts/confirm.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { CopyField } from '../parts/secret.tsx'
import { ProjectForm } from './project-form.tsx'
import { Webhooks } from './webhooks.tsx'

type Props = { project: Project; live: ProjectLive }

/** What the owner of a project may change, and what everyone may know about it. */
export function SettingsView({ project, live }: Props) {
  const { permissions } = useAppState()
  const mayManage = permissions.may(project, 'manage_project')
  return (
    <section class="overview settings" aria-label={`Settings of ${project.name}`}>
      <General project={project} mayManage={mayManage} />
      {permissions.may(project, 'manage_webhooks') && <Webhooks project={project} />}
      {mayManage && <Deletion project={project} live={live} />}
    </section>
  )
}

function General({ project, mayManage }: { project: Project; mayManage: boolean }) {
  const [isEditing, setEditing] = useState(false)
  const { permissions } = useAppState()
  const owner = permissions.nameOf({ kind: 'user', id: project.owner_id })
  const facts = [
    ['Name', project.name],
    ['Slug', project.slug],
    ['Description', project.description ?? '–'],
    ['Owner', owner],
    ['Agent limit', plural(project.agent_limit, 'agent')],
  ] as const
  return (
    <section class="panel" aria-label="Project">
      <header class="panel-head">
        <h2>Project</h2>
        <span class="panel-actions">
          {permissions.may(project, 'manage_keys') && (
            <a class="button" href={links.connect(project.id)}>
              Connect an agent
            </a>
          )}
          {mayManage && (
            <button type="button" onClick={() => setEditing(true)}>
              Edit
            </button>
          )}
        </span>
      </header>
      <dl class="details">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div class="panel-foot">
        <CopyField label="ID" text={project.id} />
      </div>
      {isEditing && (
        <Dialog title={`Edit ${project.name}`} onClose={() => setEditing(false)}>
          <ProjectForm
            project={project}
            onCancel={() => setEditing(false)}
            onSaved={({ name }) => {
              say('done', `Saved ${name}`)
              setEditing(false)
            }}
          />
        </Dialog>
      )}
    </section>
  )
}

function Deletion({ project, live }: Props) {
  const app = useAppState()
  const [isAsking, setAsking] = useState(false)
  void live.version.value
  const { by_status, total } = countLive(live)
  const remove = async () => {
    await app.api.projects.delete(project.id)
    goTo(links.projects)
    say('done', `Deleted ${project.name}`)
    await app.readProjects()
  }
  return (
    <section class="panel" aria-label="Delete the project">
      <header class="panel-head">
        <h2>Delete the project</h2>
        <span class="panel-actions">
          <button type="button" class="danger" disabled={total > 0} onClick={() => setAsking(true)}>
            Delete…
          </button>
        </span>
      </header>
      <p class="none">
        {total > 0
          ? `Terminate its agents first: ${by_status} not terminated.`
          : 'Its terminated agents, events, usage, budgets, keys and webhooks go with it.'}
      </p>
      {isAsking && (
        <Confirm
          title={`Delete ${project.name}`}
          submit="Delete the project"
          word={project.slug}
          onClose={() => setAsking(false)}
          onConfirm={remove}
        >
          <p>Its terminated agents, events, usage, budgets, keys and webhooks go with it.</p>
        </Confirm>
      )}
    </section>
  )
}

function countLive({ agents }: ProjectLive): { total: number; by_status: string } {
  const total = [...agents.values()].filter(({ status }) => status !== 'terminated').length
  return { total, by_status: `${plural(total, 'agent')} ${total === 1 ? 'is' : 'are'}` }
}
