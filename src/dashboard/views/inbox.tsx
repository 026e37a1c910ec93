import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import { useAppState } from '../app-state-context.ts'
import type { AppState } from '../model/app-state.ts'
import { InboxList } from '../model/inbox-list.ts'
import { useLoaded, useSettled } from '../model/loaded.ts'
import { place } from '../model/route.ts'
import { State } from '../parts/states.tsx'
import { InboxFilters } from './inbox-filters.tsx'
import { focusInbox, pressed } from './inbox-keys.ts'
import { InboxRow } from './inbox-row.tsx'
import { RequestPane } from './request.tsx'

/** The most that the page asks for of requests that have ended. */
const MAX_ENDED = 100
const ENDED_EVERY_MS = 2_000

/** What agents ask people: the list, and one request beside it, or instead of it on a phone. */
export function InboxView() {
  const app = useAppState()
  const list = useMemo(() => new InboxList(app.inbox), [app])
  // What is drawn takes keys already.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => pressed(event, { app, list })
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [app, list])
  const current = list.current.value
  useEffect(() => list.keep(), [list, current?.id])
  useEffect(() => focusInbox(list), [list, list.focus.value])
  return (
    <section class={place.value.view === 'request' ? 'inbox inbox-open' : 'inbox'} aria-label="Inbox">
      <InboxFilters list={list} />
      <div class="inbox-list">
        {list.filter.value.state === 'open' ? <Open list={list} /> : <Ended list={list} />}
      </div>
      {current && <RequestPane key={current.id} list={list} at={current} />}
    </section>
  )
}

function Open({ list }: { list: InboxList }) {
  const { inbox, connection } = useAppState()
  const problem = connection.value.kind === 'offline' ? "Can't reach the server" : inbox.problem.value
  if (!inbox.isRead) {
    if (problem === undefined) return <State kind="loading" title="Loading the inbox" />
    return (
      <State kind="problem" title="Couldn't load the inbox">
        <p>{problem}</p>
      </State>
    )
  }
  return (
    <>
      {problem !== undefined && (
        <p class="inbox-note" role="alert">
          {problem}. The list may be out of date.
        </p>
      )}
      <Rows list={list} />
      {list.shown.value.length === 0 && problem === undefined && <Nothing list={list} />}
      {inbox.beyond.value > 0 && <p class="inbox-note">{inbox.beyond.value} more are not listed yet</p>}
    </>
  )
}

function Nothing({ list }: { list: InboxList }) {
  const { project_id, reason, agent_id } = list.filter.value
  const isFiltered = [project_id, reason, agent_id].some((value) => value !== undefined)
  return (
    <State title={isFiltered ? 'No requests match these filters' : 'No open requests'}>
      {!isFiltered && <p>What agents ask people is listed here.</p>}
    </State>
  )
}

/** The API lists ended requests by project. */
function Ended({ list }: { list: InboxList }) {
  const app = useAppState()
  const { state, agent_id, reason } = list.filter.value
  const project_id = list.filter.value.project_id ?? onlyProject(app)
  const version = useSettled(app.inbox.version.value, ENDED_EVERY_MS)
  const key = JSON.stringify([project_id, state, agent_id, reason])
  const { value, problem } = useLoaded(`${key} ${version}`, () =>
    readEnded(app, project_id, { state, ...(agent_id && { agent_id }), ...(reason && { reason }) }).then(
      (listed) => ({ key, listed }),
    ),
  )
  const listed = value?.key === key ? value.listed : undefined
  useEffect(() => {
    list.listed.value = listed ?? []
  }, [list, listed])
  useEffect(
    () => () => {
      list.listed.value = []
    },
    [list],
  )
  if (project_id === undefined) {
    return (
      <State title="Choose a project">
        <p>Requests that have ended are listed by project.</p>
      </State>
    )
  }
  if (problem !== undefined) return <State kind="problem" title={problem} />
  if (!listed) return <State kind="loading" title="Loading the requests" />
  return (
    <>
      <Rows list={list} />
      {listed.length === 0 && <State title="No requests match these filters" />}
      {listed.length === MAX_ENDED && <p class="inbox-note">Only the latest {MAX_ENDED} are listed</p>}
    </>
  )
}

function onlyProject({ projects }: AppState): string | undefined {
  const [first, ...others] = projects.value.value ?? []
  return others.length === 0 ? first?.id : undefined
}

type Query = Pick<InboxList['filter']['value'], 'state'> & { agent_id?: string; reason?: string }

async function readEnded({ api }: AppState, project_id: string | undefined, asked: Query) {
  if (project_id === undefined) return []
  return (await api.requests.list(project_id, { page: 1, limit: MAX_ENDED, ...asked })).data
}

function Rows({ list }: { list: InboxList }) {
  const current = list.current.value
  return (
    <ul aria-label="Requests">
      {list.shown.value.map((request) => (
        <li key={request.id}>
          <InboxRow list={list} request={request} isCurrent={request.id === current?.id} />
        </li>
      ))}
    </ul>
  )
}
