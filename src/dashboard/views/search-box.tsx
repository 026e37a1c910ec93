import type { FleetList } from '../model/fleet-list.ts'
import { query, replaceQuery } from '../model/route.ts'
import { Icon } from '../parts/icons.tsx'

/** Takes text, a selector of labels, or both; Escape empties it. */
export function SearchBox({ list }: { list: FleetList }) {
  const { problem } = list.search.value
  return (
    <div class="search">
      <label>
        <Icon name="search" />
        <span class="hidden">Search agents by text or labels</span>
        <input
          id="search"
          type="search"
          placeholder="Name, task or label=value"
          spellcheck={false}
          autoCapitalize="off"
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : 'search-problem'}
          value={query.value.get('q') ?? ''}
          onInput={({ currentTarget }) => replaceQuery({ q: currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return
            event.preventDefault()
            replaceQuery({ q: undefined })
          }}
        />
      </label>
      {problem !== undefined && (
        <p id="search-problem" class="search-problem" role="status">
          {problem}
        </p>
      )}
    </div>
  )
}
