import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { type Concern, sayConcern } from '../model/attention.ts'
import { useShownTime } from '../model/clock.ts'
import { failedCommand, useFailure } from '../model/failures.ts'
import type { FleetList } from '../model/fleet-list.ts'
import { formatShort, plural } from '../model/format.ts'
import { links } from '../model/links.ts'
import { Icon } from '../parts/icons.tsx'
import { describeLabels, RowLabels } from '../parts/labels.tsx'

type Props = {
  agent: AgentSummary
  childCount: number
  concern: Concern | undefined
  question: string | undefined
  block: string | undefined
  /** Whether its type has no column of its own. */
  hasType: boolean
  list: FleetList
}

/** The agent's name, with its place in its tree, what it asks, its type and its labels. */
export function NameCell({ agent, childCount, concern, question, block, hasType, list }: Props) {
  const { id, project_id, parent_id, name } = agent
  return (
    <span role="gridcell" class="cell-name">
      <span class="name-line">
        {parent_id !== null && (
          <span class="tree-mark" title={`Child of ${list.live.nameOf(parent_id)}`}>
            <Icon name="parent" />
            <span class="hidden">Child of {list.live.nameOf(parent_id)}: </span>
          </span>
        )}
        <a href={links.agent(project_id, id)} tabIndex={-1} title={name}>
          {name}
        </a>
        {childCount > 0 && (
          <a
            class="tree-mark"
            href={links.children(project_id, id)}
            tabIndex={-1}
            title={plural(childCount, 'child', 'children')}
          >
            <Icon name="children" />
            {formatShort(childCount)}
            <span class="hidden"> {childCount === 1 ? 'child' : 'children'}</span>
          </a>
        )}
        <AsksMark agent={agent} question={question} />
      </span>
      <span class="name-more" title={describeLabels(agent.labels)}>
        {concern && <ConcernText agent={agent} concern={concern} />}
        {block !== undefined && (
          <small class="block" title={block}>
            {block}
          </small>
        )}
        {question !== undefined && <small class="narrow-only">asks: {question}</small>}
        {hasType && <small class="type">{agent.agent_type_name}</small>}
        <RowLabels labels={agent.labels} onPick={(key, value) => list.addLabel(key, value)} />
      </span>
    </span>
  )
}

/** Why it needs attention; for a failed command with what the runtime said. */
function ConcernText({ agent, concern }: { agent: AgentSummary; concern: Concern }) {
  const { api } = useAppState()
  const detail = useFailure(api, concern.kind === 'failed' ? failedCommand(agent) : undefined)
  const words = sayConcern(concern, agent, useShownTime().value) + (detail ? `: ${detail}` : '')
  return (
    <small class={`concern concern-${concern.kind}`} title={words}>
      {words}
    </small>
  )
}

/** How many answers it waits for, which leads to its requests. */
function AsksMark({ agent, question }: Pick<Props, 'agent' | 'question'>) {
  const { id, open_requests } = agent
  if (open_requests === 0) return null
  return (
    <a
      class="tree-mark asks"
      href={links.requests({ agent: id })}
      tabIndex={-1}
      title={`Waits for ${plural(open_requests, 'answer')}${question ? `: ${question}` : ''}`}
    >
      <Icon name="asks" />
      {formatShort(open_requests)}
      <span class="hidden"> {open_requests === 1 ? 'open request' : 'open requests'}</span>
    </a>
  )
}
