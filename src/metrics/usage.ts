import type { Used } from '#src/domain/usage.ts'
import type { Instruments } from './instruments.ts'

/** Projects with a series of their own, the first of the process to use anything. The others share `other`. */
const MAX_PROJECTS = 100
const OTHER = 'other'

/** Counts what reports say was used, by project. */
export function createUsageCounts(instruments: Instruments): (project_id: string, used: Used) => void {
  const by = `by project: the first ${MAX_PROJECTS}, and \`${OTHER}\``
  const ofProject = (name: string, help: string) => instruments.tally({ name, help }, ['project'], [[OTHER]])
  const tokens = ofProject('tokens_used_total', `Tokens in reports committed by this process, ${by}`)
  const cost = ofProject('cost_incurred_total', `Cost in reports committed by this process, ${by}`)
  const named = new Set<string>()
  return (project_id, { tokens_used, cost_incurred }) => {
    if (named.size < MAX_PROJECTS) named.add(project_id)
    const project = named.has(project_id) ? project_id : OTHER
    tokens.add([project], tokens_used)
    cost.add([project], Number(cost_incurred))
  }
}
