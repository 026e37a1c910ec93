import { type Concerns, sayKinds } from '../model/attention.ts'
import { formatShort } from '../model/format.ts'
import { needsClass } from '../model/wall.ts'

/** How many agents need attention, and why in its title; nothing where none does. */
export function NeedsBadge({ concerns, class: more = '' }: { concerns: Concerns; class?: string }) {
  if (concerns.size === 0) return null
  return (
    <b class={`rail-needs ${more} ${needsClass(concerns)}`} title={sayKinds(concerns)}>
      {formatShort(concerns.size)} <span class="hidden">need attention</span>
    </b>
  )
}
