import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { type AgentType, eachItem, type Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { externalIdOf, unusedName } from '../model/arrivals.ts'
import { useLoaded } from '../model/loaded.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { Field } from '../parts/fields.tsx'
import { Lamp } from '../parts/marks.tsx'
import { CopyField } from '../parts/secret.tsx'
import { Arrival, TakenName, useAwaited } from './connect-arrival.tsx'
import { ConnectSnippets } from './connect-snippets.tsx'
import { RuntimeKeyForm } from './key-form.tsx'
import { ProjectForm } from './project-form.tsx'
import { TypeForm } from './type-form.tsx'

/** On an empty server: the first of the steps that lead to an agent. */
export function FirstRun({ onCreated }: { onCreated: (project: Project) => void }) {
  const { me } = useAppState()
  return (
    <>
      <p class="lead">No projects yet. Four steps lead to your first agent.</p>
      <ol class="steps">
        <Step title="Create a project" state="now">
          <p class="faint">A project is a fleet of agents, with its members, budgets and keys.</p>
          <ProjectForm onSaved={onCreated} />
          {!me.is_superuser && <p class="faint">Or ask the owner of a project to add you.</p>}
        </Step>
        <Step title="Create an agent type" state="later" />
        <Step title="Create a key" state="later" />
        <Step title="Start your agent" state="later" />
      </ol>
    </>
  )
}

/** The steps that lead from a project to an agent that runs. */
export function ConnectView({ project, live }: { project: Project; live: ProjectLive }) {
  const { api, permissions } = useAppState()
  const mayManageKeys = permissions.may(project, 'manage_keys')
  const { value, problem, reload } = useLoaded('types', () =>
    Array.fromAsync(eachItem((page) => api.agentTypes.list(page))),
  )
  const [name, setName] = useState(() => unusedName(live.agents))
  const [slug, setSlug] = useState<string>()
  const [key, setKey] = useState<KnownKey>()
  const types = value?.filter(({ is_active }) => is_active)
  const type = types?.find((known) => known.slug === slug) ?? types?.[0]
  const external_id = externalIdOf(name)
  const { arrived, holder } = useAwaited(live, external_id)
  const isReady = type !== undefined && key !== undefined
  return (
    <section class="overview connect" aria-label="Connect an agent">
      <header class="page-head">
        <h2>Connect an agent</h2>
      </header>
      {problem !== undefined && <p class="problems">{problem}</p>}
      <ol class="steps">
        <Step title="Create a project" state="done" summary={project.name} />
        <TypeStep types={types} type={type} onSlug={setSlug} onCreated={reload} />
        <Step title="Create a key" state={key || arrived ? 'done' : type ? 'now' : 'later'}>
          {type && !(arrived && !key) && (
            <KeyStep project={project} known={key} mayCreate={mayManageKeys} onKnown={setKey} />
          )}
        </Step>
        <Step title="Start your agent" state={arrived ? 'done' : isReady ? 'now' : 'later'}>
          {type && (
            <>
              <div class="form-like">
                <Field label="Name of the agent" name="agent_name" value={name} onInput={setName} />
              </div>
              {holder && <TakenName holder={holder} />}
              <Arrival project_id={project.id} found={arrived} isReady={isReady} />
              <ConnectSnippets
                project={project}
                live={live}
                type={type}
                named={{ name: name.trim() || 'Agent', external_id }}
                connection={{ key: key?.text, url: location.origin }}
              />
            </>
          )}
        </Step>
      </ol>
    </section>
  )
}

/** The key is only here, and gone with the page. Without a text, the user has one that is not known here. */
type KnownKey = { text?: string }

type KeyStepProps = {
  project: Project
  known: KnownKey | undefined
  mayCreate: boolean
  onKnown: (key: KnownKey) => void
}

function KeyStep({ project, known, mayCreate, onKnown }: KeyStepProps) {
  const { permissions } = useAppState()
  if (known?.text !== undefined) {
    return (
      <>
        <CopyField label="Key" text={known.text} />
        <p class="faint">
          Store it now, where you keep passwords: it is not shown again. Anyone who has it can run agents
          here.
        </p>
      </>
    )
  }
  if (known) return <p class="faint">Use the runtime key of this project that you have.</p>
  return (
    <>
      {mayCreate && (
        <>
          <p class="faint">
            One key runs all agents of the project, and can do nothing else. It is shown once.
          </p>
          <RuntimeKeyForm project={project} onCreated={({ key }) => onKnown({ text: key })} />
        </>
      )}
      {!mayCreate && (
        <p>
          Only the owner and admins can create keys. Ask{' '}
          {permissions.nameOf({ kind: 'user', id: project.owner_id })} for one with the role runtime.
        </p>
      )}
      <p>
        <button type="button" onClick={() => onKnown({})}>
          I have a key
        </button>
      </p>
    </>
  )
}

type TypeStepProps = {
  types: readonly AgentType[] | undefined
  type: AgentType | undefined
  onSlug: (slug: string) => void
  onCreated: () => void
}

function TypeStep({ types, type, onSlug, onCreated }: TypeStepProps) {
  const { me } = useAppState()
  const isMissing = types?.length === 0
  return (
    <Step
      title={types && types.length > 1 ? 'Choose the agent type' : 'Create an agent type'}
      state={type ? 'done' : 'now'}
      summary={types?.length === 1 ? type?.name : undefined}
    >
      {types && types.length > 1 && (
        <div class="form-like">
          <label>
            Type
            <select value={type?.slug} onChange={({ currentTarget }) => onSlug(currentTarget.value)}>
              {types.map((known) => (
                <option key={known.id} value={known.slug}>
                  {known.name}
                </option>
              ))}
            </select>
          </label>
        </div>
      )}
      {isMissing && <p class="faint">A type is a kind of agent, such as crawler or support.</p>}
      {isMissing && me.is_superuser && <TypeForm onSaved={onCreated} />}
      {isMissing && !me.is_superuser && (
        <p>
          Ask an admin to create one.{' '}
          <button type="button" onClick={onCreated}>
            Check again
          </button>
        </p>
      )}
    </Step>
  )
}

type StepProps = {
  title: string
  state: 'done' | 'now' | 'later'
  summary?: string | undefined
  children?: ComponentChildren
}

const lamps = { done: 'working', now: 'waiting', later: 'idle' } as const
const stateWords = { done: 'done', now: 'to do', later: 'later' } as const

export function Step({ title, state, summary, children }: StepProps) {
  return (
    <li class={`panel step step-${state}`}>
      <header>
        <Lamp status={lamps[state]} />
        <h3>{title}</h3>
        <span class="hidden">({stateWords[state]})</span>
        {summary && <span class="faint">{summary}</span>}
      </header>
      {children && <div class="step-body">{children}</div>}
    </li>
  )
}
