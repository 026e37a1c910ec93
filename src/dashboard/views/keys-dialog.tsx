import { Dialog } from '../parts/dialog.tsx'

const keys = [
  ['/', 'search'],
  ['↑ ↓', 'move in the list; also k and j, Page Up, Page Down, Home, End'],
  ['Enter', 'open the agent'],
  ['Space', 'select it; with Shift and the mouse, everything up to it'],
  ['a', 'select all that are shown, or none'],
  ['p', 'pause what is selected, or the agent one is at'],
  ['r', 'resume'],
  ['t', 'terminate'],
  ['Esc', 'select nothing'],
] as const

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys in the list" onClose={onClose}>
      <dl class="dialog-body keys">
        {keys.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}
