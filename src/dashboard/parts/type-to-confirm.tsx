type Typing = { word: string; typed: string; onChange: (typed: string) => void }

/** What an operator types before something is done that can't be undone. */
export function TypeToConfirm({ word, typed, onChange }: Typing) {
  return (
    <label>
      <span>
        This can't be undone. Type <b class="word">{word}</b> to confirm
      </span>
      <input
        value={typed}
        autoComplete="off"
        data-confirm
        data-first
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  )
}

/** Whether the word has been typed. */
export const isTyped = (word: string | undefined, typed: string): boolean =>
  word === undefined || typed.trim() === word.trim()
