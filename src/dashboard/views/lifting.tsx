import type { Project } from '#src/client/rest/rest.ts'
import type { Lifting } from '../model/lifting.ts'
import type { ProjectLive } from '../model/project-live.ts'
import { PlaceHold, ReleaseHold } from './hold-dialogs.tsx'
import { RaiseBudget, RaiseOwnLimits } from './raise-limit.tsx'

type Props = { asked: Lifting; project: Project; live: ProjectLive; onClose: () => void }

/** Places a hold, or lifts what keeps agents paused. */
export function LiftingDialog({ asked, ...props }: Props) {
  if (asked.kind === 'place') return <PlaceHold {...props} />
  const { block, agents } = asked
  if (block.kind === 'hold') return <ReleaseHold {...props} hold={block.hold} agents={agents} />
  if (block.kind === 'budget') return <RaiseBudget {...props} budget_id={block.budget_id} />
  return <RaiseOwnLimits {...props} agents={agents} />
}
