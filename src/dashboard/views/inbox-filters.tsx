import { useAppState } from '../app-state-context.ts'
import { capital, formatCount } from '../model/format.ts'
import { type InboxList, listedStates } from '../model/inbox-list.ts'
import { sayReason } from '../model/requests.ts'
import { replaceQuery } from '../model/route.ts'
import { Select } from '../parts/select.tsx'
import { showKeys } from './shortcuts.ts'

/** Built-in reasons can be chosen even if nobody gives them. */
const reasons = ['tool_call', 'input_required', 'confirmation']

export function InboxFilters({ list }: { list: InboxList }) {
  const { inbox, projects, connection } = useAppState()
  const isKnown = inbox.isRead && (inbox.count.value > 0 || connection.value.kind !== 'offline')
  const { state, project_id, reason, agent_id } = list.filter.value
  const known = [...inbox.open.value, ...list.listed.value]
  const agents = new Map(known.map((request) => [request.agent_id, request.agent_name]))
  const others = known.map((request) => request.reason)
  return (
    <header class="inbox-head">
      <h1>Inbox {isKnown && <span class="faint">{formatCount(inbox.count.value)} open</span>}</h1>
      <div class="inbox-filters">
        <Filter
          name="state"
          label="State"
          value={state === 'open' ? undefined : state}
          all="Open"
          choices={listedStates.filter((name) => name !== 'open').map((name) => [name, capital(name)])}
        />
        <Filter
          name="project"
          label="Project"
          value={project_id}
          all="All projects"
          choices={projects.value.value?.map(({ id, name }) => [id, name]) ?? []}
        />
        <Filter
          name="reason"
          label="Reason"
          value={reason}
          all="All reasons"
          choices={[...new Set([...reasons, ...others.sort()])].map((name) => [name, sayReason(name)])}
        />
        <Filter name="agent" label="Agent" value={agent_id} all="All agents" choices={[...agents]} />
        <button type="button" class="quiet keys-button" onClick={showKeys}>
          Shortcuts
        </button>
      </div>
    </header>
  )
}

type Props = {
  name: string
  label: string
  value: string | undefined
  all: string
  choices: readonly (readonly [value: string, label: string])[]
}

function Filter({ name, ...props }: Props) {
  return <Select {...props} onChange={(value) => replaceQuery({ [name]: value })} />
}
