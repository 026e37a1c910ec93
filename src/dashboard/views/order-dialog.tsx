import { signal } from '@preact/signals'
import { useState } from 'preact/hooks'
import type { Project } from '#src/client/rest/rest.ts'
import { order } from '#src/dashboard/model/orders.ts'
import { canRepeat, canTake, reachedBelow } from '#src/dashboard/model/reach.ts'
import { type ActionName, actionRow, type Mode } from '#src/domain/actions.ts'
import type { AgentSummary } from '#src/domain/agent.ts'
import { useAppState } from '../app-state-context.ts'
import { type Block, type BlockedGroup, groupBlocked, MAX_WITH_LIMITS, sayBlock } from '../model/blocks.ts'
import { unusualMode } from '../model/causes.ts'
import { formatCount, plural } from '../model/format.ts'
import { startLifting } from '../model/lifting.ts'
import { links } from '../model/links.ts'
import { shownStatus } from '../model/progress.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { goTo, place } from '../model/route.ts'
import { Dialog } from '../parts/dialog.tsx'
import { lazy } from '../parts/lazy.tsx'
import { isTyped, TypeToConfirm } from '../parts/type-to-confirm.tsx'
import { ModeChoice } from './mode-choice.tsx'
import { ResumeIn, WithDescendants } from './order-fields.tsx'

type Asked = {
  action: ActionName
  agents: readonly AgentSummary[]
  /** Those that were chosen, too, and can't take it. */
  others: readonly AgentSummary[]
  /** Whether they have taken it already, but their runtimes have not done it. */
  isAgain: boolean
}

const asked = signal<Asked | undefined>(undefined)

/** Opens the dialog for a command to those of the agents that can take it; without one it does nothing. */
export function startOrder(action: ActionName, chosen: readonly AgentSummary[], isAgain = false): void {
  const may = isAgain ? canRepeat : canTake
  const agents = chosen.filter((agent) => may(agent, action))
  const others = chosen.filter((agent) => !may(agent, action))
  if (agents.length > 0) asked.value = { action, agents, others, isAgain }
}

let wished: { action: ActionName; agent: AgentSummary; isAgain: boolean } | undefined

/** Opens the agent's page with the dialog, so that the operator sees it obey. */
export function startOrderAt(action: ActionName, agent: AgentSummary, isAgain: boolean): void {
  const at = place.peek()
  if (at.view === 'agent' && at.agent_id === agent.id) return startOrder(action, [agent], isAgain)
  wished = { action, agent, isAgain }
  goTo(links.agent(agent.project_id, agent.id))
}

/** Starts what was wished for the agent whose page is shown now. */
export function startWished(agent_id: string | undefined): void {
  if (wished && wished.agent.id === agent_id) startOrder(wished.action, [wished.agent], wished.isAgain)
  wished = undefined
}

export function dropOrder(): void {
  asked.value = undefined
}

const Lifting = lazy('the dialog', async () => (await import('./lifting.tsx')).LiftingDialog)

export function OrderDialog({ project, live }: { project: Project; live: ProjectLive }) {
  if (!asked.value) return null
  const blocked = blockedBy(asked.value, live)
  if (blocked) {
    const lift = { kind: 'lift', ...blocked } as const
    return <Lifting asked={lift} project={project} live={live} onClose={dropOrder} />
  }
  const { action, agents, isAgain } = asked.value
  const [first] = agents
  const whom = agents.length === 1 && first ? first.name : plural(agents.length, 'agent')
  return (
    <Dialog title={`${actionRow(action).verb} ${whom}${isAgain ? ' again' : ''}`} onClose={dropOrder}>
      <OrderForm project={project} live={live} asked={asked.value} />
    </Dialog>
  )
}

/** What an operator types to confirm an action that can't be undone; `count`: how many agents it reaches. */
function wordToType({ action, agents, isAgain }: Asked, count: number): string | undefined {
  if (!actionRow(action).is_final || isAgain) return undefined
  return count === 1 ? agents[0]?.name : String(count)
}

/** The mode that an order to send again had; a termination that tidies up first has just failed, so it is `now`. */
function modeBefore({ action, agents, isAgain }: Asked): Mode | undefined {
  if (isAgain && actionRow(action).is_final) return actionRow(action).modes.at(-1)
  const [first, ...others] = isAgain ? agents.map(({ control }) => unusualMode(control?.mode)) : []
  return others.every((mode) => mode === first) ? first : undefined
}

/** What stands in the way of a resume, if it is the same for all of the agents. */
function blockedBy(
  { action, agents }: Asked,
  { holds }: ProjectLive,
): BlockedGroup<AgentSummary> | undefined {
  if (action !== 'resume') return undefined
  const [group] = groupBlocked(agents, { holds })
  const isTooMany = agents.length > MAX_WITH_LIMITS && group?.block.kind === 'limit'
  return group?.agents.length === agents.length && !isTooMany ? group : undefined
}

/** The agents that the server will not resume, and why. */
function Blocked({ live, agents }: { live: ProjectLive; agents: readonly AgentSummary[] }) {
  const groups = groupBlocked(agents, live)
  if (groups.length === 0) return null
  const raise = (block: Block) => {
    dropOrder()
    startLifting(
      block,
      agents.filter((agent) => canTake(agent, 'resume')),
    )
  }
  return (
    <ul class="blocked">
      {groups.map(({ block, agents: blocked }) => (
        <li key={blocked[0]?.id}>
          {listNames(blocked)} {blocked.length === 1 ? 'stays' : 'stay'} paused,{' '}
          {sayBlock(block, live) ?? 'over a limit'}
          {block.kind === 'limit' && blocked.length <= MAX_WITH_LIMITS && (
            <button type="button" onClick={() => raise(block)}>
              Raise limits and resume…
            </button>
          )}
        </li>
      ))}
    </ul>
  )
}

type FormProps = { project: Project; live: ProjectLive; asked: Asked }

function OrderForm({ project, live, asked }: FormProps) {
  const app = useAppState()
  const { action, agents, isAgain } = asked
  const ids = agents.map(({ id }) => id)
  const [reason, setReason] = useState('')
  const [minutes, setMinutes] = useState('')
  const [mode, setMode] = useState(() => modeBefore(asked))
  const [typed, setTyped] = useState('')
  const [isCascading, setCascading] = useState(true)
  // The number to type stays the same while the form is open.
  const [below] = useState(() => reachedBelow(live, { action, ids, isAgain }))
  const { verb, has_timer, is_final } = actionRow(action)
  const reached = isCascading ? [...agents, ...below] : agents
  const word = wordToType(asked, reached.length)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (!isTyped(word, typed)) return
    dropOrder()
    const resume_after = minutes ? Math.round(Number(minutes) * 60) : undefined
    void order(
      app,
      { project_id: project.id, ids },
      {
        action,
        reason: reason.trim(),
        resume_after,
        mode,
        cascade: isCascading ? undefined : false,
        again: isAgain || undefined,
      },
    )
  }
  return (
    <form onSubmit={submit}>
      {asked.others.length > 0 && <p class="faint">Without {sayOthers(asked.others)}.</p>}
      {action === 'resume' && <Blocked live={live} agents={agents} />}
      <ModeChoice action={action} mode={mode} agents={reached} onChange={setMode} />
      {has_timer && (
        <ResumeIn minutes={minutes} unset={isAgain ? 'As before' : 'Manually'} onChange={setMinutes} />
      )}
      <WithDescendants
        count={agents.length}
        below={below.length}
        isChosen={isCascading}
        onChange={setCascading}
      />
      <label>
        <span>
          Reason <span class="faint">(optional, sent to the agent)</span>
        </span>
        <input
          value={reason}
          maxLength={500}
          data-first={word === undefined || undefined}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </label>
      {agents.length > 1 && <p class="faint names">{listNames(agents)}</p>}
      {word !== undefined && <TypeToConfirm word={word} typed={typed} onChange={setTyped} />}
      <footer>
        <button type="button" class="quiet" onClick={dropOrder}>
          Cancel
        </button>
        <button type="submit" class={is_final ? 'main danger' : 'main'} disabled={!isTyped(word, typed)}>
          {verb}
          {reached.length > 1 ? ` ${plural(reached.length, 'agent')}` : ''}
          {isAgain ? ' again' : ''}
        </button>
      </footer>
    </form>
  )
}

/** "3 that are stopping, 1 that is paused" */
function sayOthers(others: readonly AgentSummary[]): string {
  const counts = new Map<string, number>()
  for (const agent of others) {
    const status = shownStatus(agent)
    counts.set(status, (counts.get(status) ?? 0) + 1)
  }
  return [...counts]
    .map(([status, count]) => `${formatCount(count)} that ${count === 1 ? 'is' : 'are'} ${status}`)
    .join(', ')
}

/** A longer list of names would not help an operator to find the wrong one. */
const MAX_NAMES = 20

function listNames(agents: readonly AgentSummary[]): string {
  const names = agents.slice(0, MAX_NAMES).map(({ name }) => name)
  const rest = agents.length - names.length
  return names.join(', ') + (rest > 0 ? ` and ${plural(rest, 'other')}` : '')
}
