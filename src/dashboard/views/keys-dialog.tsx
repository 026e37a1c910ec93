import { actionNames, actionRow } from '#src/domain/actions.ts'
import { Dialog } from '../parts/dialog.tsx'
import { paletteKeys } from './shortcuts.ts'

type Keys = readonly (readonly [key: string, meaning: string])[]

const everywhere: Keys = [
  [paletteKeys, 'Search agents, projects, pages and actions'],
  ['g p', 'Go to the projects; g i to the inbox, g w to the wall'],
  ['g f', 'Go to the fleet; g o to the overview, g u to the usage'],
  ['[ ]', 'Previous and next project; on the page of an agent, agent'],
  ['?', 'These shortcuts'],
]

const fleetKeys: Keys = [
  ['/', 'Search'],
  ['↑ ↓', 'Move in the list; also k and j, Page Up, Page Down, Home, End'],
  ['Enter', 'Open the agent'],
  ['Space', 'Select; Shift with ↑ or ↓, or with a click, for a range'],
  ['a', 'Select all shown, or clear the selection'],
  ...actionNames.map((action) => {
    const { key, verb } = actionRow(action)
    return [key, `${verb} the selection, or the agent that is highlighted or open`] as const
  }),
  ['Esc', 'Clear the selection; in the search box, the search; back from an agent'],
]

const inboxKeys: Keys = [
  ['j k', 'Next and previous request; also ↓ and ↑ in the list'],
  ['y', 'Approve, or the first option that allows'],
  ['n', 'Deny, or the first option that rejects'],
  ['Enter', 'Open the request; in a field that you have filled in, answer; Ctrl+Enter anywhere in a form'],
  ['Esc', 'Back to the list'],
]

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div class="dialog-body">
        <h3>Everywhere</h3>
        <KeyList keys={everywhere} />
        <h3>Fleet</h3>
        <KeyList keys={fleetKeys} />
        <h3>Inbox</h3>
        <KeyList keys={inboxKeys} />
      </div>
    </Dialog>
  )
}

function KeyList({ keys }: { keys: Keys }) {
  return (
    <dl class="keys">
      {keys.map(([key, meaning]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  )
}
