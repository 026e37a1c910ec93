import type { AgentState } from '#src/domain/agent.ts'
import type { Change, DecisionContext } from '#src/domain/change.ts'
import type { ChangeRequest, Find, Writes } from './write-batch.ts'

type Decide<Decision> = (agent: AgentState, context: DecisionContext, find: Find) => Decision

/** Submits a change, and returns its decision too. */
export async function submitDecision<Decision extends { change?: Change }>(
  writes: Writes,
  target: Omit<ChangeRequest, 'decide'>,
  decide: Decide<Decision>,
): Promise<{ agent: AgentState; decided: Decision }> {
  let decided: Decision | undefined
  const agent = await writes.submit({
    ...target,
    decide: (...args) => {
      decided = decide(...args)
      return decided.change
    },
  })
  if (!decided) throw new Error('a change was committed without a decision')
  return { agent, decided }
}
