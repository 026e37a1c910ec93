import { useEffect, useRef, useState } from 'preact/hooks'
import type { AgentType, Project } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { findHolder } from '../model/arrivals.ts'
import type { ProjectLive } from '../model/project-live.ts'
import {
  PACKAGES_GUIDE,
  type SnippetKind,
  type Snippet as SnippetText,
  snippetKinds,
  snippets,
} from '../model/snippets.ts'
import { describe } from '../parts/fields.tsx'
import { CopyButton } from '../parts/secret.tsx'

type Props = {
  project: Project
  live: ProjectLive
  type: AgentType
  named: { name: string; external_id: string }
  connection: { url: string; key: string | undefined }
}

/** What stands in a program for the key that is not known here. */
const NO_KEY = 'YOUR_KEY'

/** The program of each language, with the server, the key and the names in it. */
export function ConnectSnippets({ project, live, type, named, connection }: Props) {
  const { permissions } = useAppState()
  const [kind, setKind] = useState<SnippetKind>('typescript')
  void live.version.value
  const agent = findHolder(live.agents, named.external_id)
  const { isOverHttp, needs, install, write }: SnippetText = snippets[kind]
  const isMissing = isOverHttp && !agent
  const text = write({
    ...named,
    url: connection.url,
    key: connection.key ?? NO_KEY,
    project_id: project.id,
    agent_id: agent?.id ?? '',
    agent_type: type.slug,
  })
  return (
    <div class="snippets">
      <fieldset class="snippet-kinds">
        <legend class="hidden">Language</legend>
        {snippetKinds.map((name) => (
          <label key={name} class={name === kind ? 'chosen' : ''}>
            <input type="radio" name="snippet" checked={name === kind} onChange={() => setKind(name)} />
            {snippets[name].label}
          </label>
        ))}
      </fieldset>
      {isMissing && (
        <CreateAgent
          project={project}
          type={type}
          named={named}
          mayCreate={permissions.may(project, 'spawn_agent')}
        />
      )}
      {!isMissing && (
        <Snippet text={text} needs={needs} install={install} hasKey={connection.key !== undefined} />
      )}
    </div>
  )
}

type SnippetProps = { text: string; needs: string; install: string | undefined; hasKey: boolean }

function Snippet({ text, needs, install, hasKey }: SnippetProps) {
  const code = useRef<HTMLPreElement>(null)
  const box = useRef<HTMLDivElement>(null)
  // The key has just been created: the next step is to copy.
  useEffect(() => {
    if (hasKey) box.current?.querySelector<HTMLElement>('.snippet-head button')?.focus()
  }, [hasKey])
  return (
    <div class="snippet" ref={box}>
      {install && <Install command={install} />}
      <div class="snippet-head">
        <p class="faint">{needs}</p>
        <CopyButton text={text} label="the program" from={() => code.current} />
      </div>
      <pre ref={code} tabIndex={0} translate={false}>
        {text}
      </pre>
      {!hasKey && <p class="faint">Put a runtime key of the project in place of {NO_KEY}.</p>}
    </div>
  )
}

/** How to get the package that a program needs. */
function Install({ command }: { command: string }) {
  const code = useRef<HTMLElement>(null)
  return (
    <p class="install">
      <span>Install it:</span>
      <code ref={code} translate={false}>
        {command}
      </code>
      <CopyButton text={command} label="the install command" from={() => code.current} />
      <a href={PACKAGES_GUIDE} target="_blank" rel="noreferrer">
        How to get the package
      </a>
    </p>
  )
}

type CreateProps = Pick<Props, 'project' | 'type' | 'named'> & { mayCreate: boolean }

/** Over HTTP an agent can't introduce itself. */
function CreateAgent({ project, type, named, mayCreate }: CreateProps) {
  const { api } = useAppState()
  const [problems, setProblems] = useState<string[]>([])
  if (!mayCreate) return <p>Ask an operator to create the agent {named.name} first.</p>
  const create = () =>
    api.agents
      .spawn(project.id, { ...named, agent_type_id: type.id })
      .catch((error: unknown) => setProblems(describe(error)))
  return (
    <>
      <p>Over HTTP an agent can't introduce itself, so create it first.</p>
      <button type="button" class="main" onClick={() => void create()}>
        Create {named.name}
      </button>
      <p class="problems" role="alert">
        {problems.join('. ')}
      </p>
    </>
  )
}
