import * as v from 'valibot'
import { type LabelPatch, type Labels, labelKeyRule, labelValueRule, MAX_LABELS } from '#src/domain/labels.ts'
import { isObject, sortKeys } from './values.ts'

const meaning =
  `Up to ${MAX_LABELS} labels. A key has 1 to 63 of A-Z a-z 0-9 - _ . / and a value 0 to 63 of A-Z a-z 0-9 - _ . ` +
  'Each begins and ends with a letter or digit'
const badKey = 'A key has 1 to 63 of A-Z a-z 0-9 - _ . / and begins and ends with a letter or digit'
const badValue = 'A value has 0 to 63 of A-Z a-z 0-9 - _ . and begins and ends with a letter or digit'

/** Not v.record, which drops a key named `constructor`. */
function labelsWhere<Map extends LabelPatch>(isValue: (value: unknown) => boolean) {
  return v.pipe(
    v.custom<Map>(isObject, 'Must be an object'),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return
      const input = dataset.value
      for (const [key, value] of Object.entries(input)) {
        // A bad key may be long, so it is not a part of the field's name.
        if (!labelKeyRule.test(key)) addIssue({ message: badKey })
        else if (!isValue(value)) {
          addIssue({ message: badValue, path: [{ type: 'unknown', origin: 'value', input, key, value }] })
        }
      }
    }),
    v.transform((value) => sortKeys(value) as Map),
    v.description(meaning),
  )
}

const isValue = (value: unknown) => typeof value === 'string' && labelValueRule.test(value)

export const labels = v.pipe(
  labelsWhere<Labels>(isValue),
  v.check((value) => Object.keys(value).length <= MAX_LABELS, `Must have at most ${MAX_LABELS} labels`),
)

/** A JSON Merge Patch of labels: null removes a key. */
export const labelPatch = labelsWhere<LabelPatch>((value) => value === null || isValue(value))
