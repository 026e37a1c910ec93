import { useState } from 'preact/hooks'
import { slugOf } from '../model/slug.ts'
import { Field } from '../parts/fields.tsx'

type Props = {
  /** The slug that programs use now; undefined for something new. */
  saved: string | undefined
  /** What a new slug is suggested from. */
  name: string
  hint: string
}

/** A slug, with a warning once it is no longer what programs use. */
export function SlugField({ saved, name, hint }: Props) {
  const [slug, setSlug] = useState(saved)
  return (
    <>
      <Field
        label="Slug"
        name="slug"
        value={saved ?? slugOf(name)}
        hint={hint}
        onInput={(value) => setSlug(value.trim())}
        isRequired
      />
      {saved !== undefined && slug !== saved && (
        <p class="caution" role="status">
          Programs that say {saved} fail after this change. Change them, too.
        </p>
      )}
    </>
  )
}
