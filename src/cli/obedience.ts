import { type Api, type EventFrame, eachEvent } from '#src/client/rest.ts'
import type { ActionName } from '#src/domain/actions.ts'
import type { Reached } from './bulk.ts'
import { CliError } from './failure.ts'
import { Progress } from './progress.ts'

/**
 * How far an action has come at the runtime of one agent. `away`: none is connected, it is told when it comes;
 * `superseded`: another action came after it.
 */
const states = ['waiting', 'obeyed', 'failed', 'away', 'superseded'] as const
type State = (typeof states)[number]
export type Obedience = Record<State, number>

type Acting = { action: ActionName; timeout_s: number; act: () => Promise<Reached> }

/**
 * Acts, and follows the log from just before until every connected runtime has said what it did: so what happens
 * between the action and the first look is seen too.
 */
export async function actAndWait(
  api: Api,
  project_id: string,
  { action, timeout_s, act }: Acting,
): Promise<Reached & Obedience> {
  const { last_seq } = await api.events.list(project_id, { limit: 1 })
  const reached = await act()
  const { data } = await api.events.list(project_id, { after: last_seq, limit: 1 })
  const known = new Map<string, State>()
  const signal = AbortSignal.timeout(timeout_s * 1000)
  const progress = new Progress(action)
  const isDone = () => known.size >= reached.affected_count && tally(known).waiting === 0
  const events = eachEvent(api.with({ signal }), project_id, { seq: last_seq, epoch: data[0]?.epoch })
  try {
    while (!isDone()) {
      const { value: event } = await events.next()
      if (event) note(known, event, action)
      progress.show(known.size - tally(known).waiting, reached.affected_count)
    }
    return { ...reached, ...tally(known) }
  } catch (error) {
    if (!signal.aborted) throw error
    const left = tally(known).waiting
    const message = `${left} of ${reached.affected_count} have not obeyed within ${timeout_s} s`
    throw new CliError(
      'failed',
      message,
      'the action stands, and its signals are kept until they are acknowledged',
    )
  } finally {
    progress.end()
    await events.return()
  }
}

function note(known: Map<string, State>, { agent, signal }: EventFrame, action: ActionName): void {
  if (!known.has(agent.id) && signal?.kind !== action) return
  known.set(agent.id, stateOf(agent, action))
}

function stateOf({ control, runtime }: EventFrame['agent'], action: ActionName): State {
  if (control?.kind !== action) return 'superseded'
  if (control.state === 'done') return 'obeyed'
  if (control.state === 'failed') return 'failed'
  return runtime.connected ? 'waiting' : 'away'
}

function tally(known: ReadonlyMap<string, State>): Obedience {
  const counts = Object.fromEntries(states.map((state) => [state, 0])) as Obedience
  for (const state of known.values()) counts[state]++
  return counts
}
