import type { Labels } from '#src/domain/labels.ts'
import { isNarrow } from '../model/layout.ts'

/** A row has at most this many, and shows those that fit. */
const MAX_IN_ROW = 4

/** A label in words; one without a value is its key alone. */
export function LabelText({ name, value }: { name: string; value: string }) {
  if (value === '') return <b>{name}</b>
  return (
    <>
      {name}=<b>{value}</b>
    </>
  )
}

type Props = { labels: Labels; onPick: (key: string, value: string) => void }

/** The labels of a row, for the mouse: the keyboard belongs to the list. On a phone they are too small for a thumb, and only text. */
export function RowLabels({ labels, onPick }: Props) {
  const isText = isNarrow.value
  return (
    <>
      {Object.entries(labels)
        .slice(0, MAX_IN_ROW)
        .map(([key, value]) =>
          isText ? (
            <span key={key} class="label">
              <LabelText name={key} value={value} />
            </span>
          ) : (
            <button key={key} type="button" class="label" tabIndex={-1} onClick={() => onPick(key, value)}>
              <LabelText name={key} value={value} />
            </button>
          ),
        )}
    </>
  )
}

/** All labels, for a tooltip; undefined without any. */
export function describeLabels(labels: Labels): string | undefined {
  const all = Object.entries(labels).map(([key, value]) => (value === '' ? key : `${key}=${value}`))
  return all.length > 0 ? all.join(', ') : undefined
}
