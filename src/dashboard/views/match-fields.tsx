import { eachItem } from '#src/client/rest/rest.ts'
import { useAppState } from '../app-state-context.ts'
import { useLoaded } from '../model/loaded.ts'
import { Field, typed } from '../parts/fields.tsx'

type Props = { example: string; onLabels?: (typed: string) => void; onType?: (id: string) => void }

/** Which agents: those with some labels, or of a type. */
export function MatchFields({ example, onLabels, onType }: Props) {
  const { api } = useAppState()
  const types = useLoaded('types', () => Array.fromAsync(eachItem((page) => api.agentTypes.list(page))))
  return (
    <div class="pair">
      <Field
        label="Labels"
        name="selector"
        hint="empty: any"
        placeholder={`e.g. ${example}`}
        {...(onLabels && { onInput: onLabels })}
      />
      <label>
        Type
        <select name="agent_type_id" onChange={({ currentTarget }) => onType?.(currentTarget.value)}>
          <option value="">Any type</option>
          {types.value?.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

/** What was entered there. */
export function readMatch(fields: FormData) {
  return { selector: typed(fields, 'selector'), agent_type_id: typed(fields, 'agent_type_id') }
}
