import { actionNames, actionRow } from '#src/domain/actions.ts'
import { useAppState } from '../app-state-context.ts'
import { place, projectOf } from '../model/route.ts'
import { Dialog } from '../parts/dialog.tsx'
import { paletteKeys } from './shortcuts.ts'

/** Several keys of a row mean the same, each in its way. */
type Keys = readonly (readonly [keys: readonly string[], meaning: string])[]

const everywhere: Keys = [
  [[paletteKeys], 'Search agents, projects, pages and actions'],
  [['[', ']'], "Previous and next project; on an agent's page, previous and next agent"],
  [['?'], 'These shortcuts'],
]

const pageKeys: Keys = [
  [['g p'], 'Projects'],
  [['g i'], 'Inbox'],
  [['g w'], 'Wall'],
  [['g f'], 'Fleet'],
  [['g o'], 'Overview'],
  [['g l'], 'Log'],
  [['g u'], 'Usage'],
  [['g b'], 'Budgets'],
]

const fleetKeys: Keys = [
  [['/'], 'Search'],
  [['↑', '↓'], 'Move in the list; also k and j, Page Up, Page Down, Home, End'],
  [['Enter'], 'Open the agent'],
]

/** For those who may control agents. */
const controlKeys: Keys = [
  [['Space', 'x'], 'Select; Shift with ↑ or ↓, or with a click, for a range'],
  [['a'], 'Select all shown; once all are selected, clear the selection'],
  ...actionNames.map((action) => {
    const { key, verb } = actionRow(action)
    return [[key], `${verb} the selection, or the agent that is highlighted or open`] as const
  }),
]

const inboxKeys: Keys = [
  [['j', 'k'], 'Next and previous request; also ↓ and ↑ in the list'],
  [['Enter'], 'Open the request; in a field that you have filled in, answer; Ctrl+Enter anywhere in a form'],
]

const answerKeys: Keys = [
  [['y'], 'Approve, or the first option that allows'],
  [['n'], 'Deny, or the first option that rejects'],
]

/** Whether the user may control agents here, or on a page of all projects in any of them. */
function useControl(): boolean {
  const app = useAppState()
  const project_id = projectOf(place.value)
  const here = project_id === undefined ? undefined : app.project(project_id)
  const known = here ? [here] : (app.projects.value.value ?? [])
  return known.some((project) => app.permissions.may(project, 'control_agent'))
}

export function KeysDialog({ onClose }: { onClose: () => void }) {
  const mayControl = useControl()
  const escapes = mayControl ? 'Clear the selection; in' : 'In'
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div class="dialog-body">
        <h3>Everywhere</h3>
        <KeyList keys={everywhere} />
        <h3>Go to</h3>
        <KeyList keys={pageKeys} isShort />
        <h3>Fleet</h3>
        <KeyList
          keys={[
            ...fleetKeys,
            ...(mayControl ? controlKeys : []),
            [['Esc'], `${escapes} the search box, clear the search; back from an agent`],
          ]}
        />
        <h3>Inbox</h3>
        <KeyList keys={[...inboxKeys, ...(mayControl ? answerKeys : []), [['Esc'], 'Back to the list']]} />
      </div>
    </Dialog>
  )
}

function KeyList({ keys, isShort = false }: { keys: Keys; isShort?: boolean }) {
  return (
    <dl class={isShort ? 'keys keys-short' : 'keys'}>
      {keys.map(([names, meaning]) => (
        <div key={meaning}>
          <dt>
            {names.map((name) => (
              <kbd key={name}>{name}</kbd>
            ))}
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  )
}
