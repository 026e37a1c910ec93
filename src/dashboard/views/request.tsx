import { useEffect } from 'preact/hooks'
import { useAppState } from '../app-state-context.ts'
import type { InboxList } from '../model/inbox-list.ts'
import { links } from '../model/links.ts'
import { useLoaded } from '../model/loaded.ts'
import { type Asked, sayEndingAndActor, sayReason } from '../model/requests.ts'
import { withQuery } from '../model/route.ts'
import { Icon } from '../parts/icons.tsx'
import { Json } from '../parts/json.tsx'
import { Ago, Until } from '../parts/marks.tsx'
import { State } from '../parts/states.tsx'
import { AnswerForm } from './answer-form.tsx'

type At = Pick<Asked, 'id' | 'project_id'>
type Props = { list: InboxList; at: At }

/** One request: what is asked, and the answer, or how it ended. */
export function RequestPane({ list, at }: Props) {
  const { request, problem } = useRequest(at)
  useEffect(() => {
    // The form that had the focus is gone.
    if (document.activeElement === document.body && request) list.focus.value = 'row'
  }, [list, request?.state])
  return (
    <article class="request" aria-label="Request">
      <a class="back" href={withQuery(links.requests())}>
        <Icon name="back" />
        Inbox
      </a>
      {!request && problem !== undefined && (
        <State kind="problem" title="Couldn't load the request">
          <p>{problem}</p>
        </State>
      )}
      {!request && problem === undefined && <State kind="loading" title="Loading the request" />}
      {request && (
        <>
          <Question request={request} />
          {request.state === 'open' ? (
            <Answer list={list} request={request} />
          ) : (
            <Outcome request={request} />
          )}
        </>
      )}
    </article>
  )
}

/** The request as it is known; one that has ended is asked for once, for how its answer reached the runtime. */
function useRequest({ id, project_id }: At): { request: Asked | undefined; problem: string | undefined } {
  const { api, inbox } = useAppState()
  const known = inbox.find(id)
  const { value, problem } = useLoaded(`${id} ${known?.state}`, async () => {
    if (known?.state === 'open') return undefined
    const read = await api.requests.get(project_id, id)
    if (read.state === 'open') inbox.note(read)
    return read
  })
  const isNewer = value !== undefined && (known?.state !== 'open' || value.state !== 'open')
  return { request: isNewer ? value : known, problem }
}

function Question({ request }: { request: Asked }) {
  const app = useAppState()
  const { agent_id, agent_name, project_id, reason, message, created_at, expires_at, state, tool_call } =
    request
  return (
    <>
      <header class="request-head">
        <h2 class="request-title" tabIndex={-1}>
          <a href={links.agent(project_id, agent_id)}>{agent_name}</a> asks
        </h2>
        <div class="request-facts">
          <span class="label">{sayReason(reason)}</span>
          <a href={links.fleet(project_id)}>{app.project(project_id)?.name ?? request.project_name}</a>
          <span>
            <Ago time={created_at} /> ago
          </span>
          {state === 'open' && expires_at && <Until time={expires_at} />}
        </div>
      </header>
      <p class="request-message">{message}</p>
      {tool_call && (
        <section class="panel" aria-label="Tool call">
          <header class="panel-head">
            <h3>
              Wants to call <code>{tool_call.name}</code>
            </h3>
          </header>
          <div class="memory">
            <Json value={tool_call.arguments} />
          </div>
        </section>
      )}
    </>
  )
}

function Answer({ list, request }: { list: InboxList; request: Asked }) {
  const app = useAppState()
  if (app.mayAnswer(request)) return <AnswerForm list={list} request={request} />
  return (
    <>
      {request.options && (
        <ul class="read-only-options" aria-label="Options">
          {request.options.map(({ id, label }) => (
            <li key={id} class="label">
              {label}
            </li>
          ))}
        </ul>
      )}
      {request.response_schema && (
        <section class="panel" aria-label="Form">
          <div class="memory">
            <Json name="Form" value={request.response_schema.properties} />
          </div>
        </section>
      )}
      <p class="faint">You can watch. Operators can answer.</p>
    </>
  )
}

function Outcome({ request }: { request: Asked }) {
  const { permissions } = useAppState()
  const { payload, note, ended_at, delivered_at, acknowledged_at, cause } = request
  const hasSignal = cause === 'answered' || cause === 'expired'
  return (
    <section class={`panel outcome outcome-${request.state}`} aria-label="Outcome">
      <header class="panel-head">
        <h3>
          <span role="status">{sayEndingAndActor(request, (actor) => permissions.nameOf(actor))}</span>
        </h3>
        {ended_at && (
          <span class="faint">
            <Ago time={ended_at} /> ago
          </span>
        )}
      </header>
      {payload && (
        <div class="memory">
          <Json value={payload} />
        </div>
      )}
      {note !== null && <p class="request-message none">{note}</p>}
      {hasSignal && (
        <p class="faint none">
          {acknowledged_at
            ? 'Its runtime has confirmed it.'
            : delivered_at
              ? 'Its runtime has received it.'
              : 'Its runtime gets it as soon as it is connected.'}
        </p>
      )}
    </section>
  )
}
