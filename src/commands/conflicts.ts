import { refuse } from '#src/domain/errors.ts'
import { violatedUnique } from '#src/store/failures.ts'

/** Runs a write; a value that another row has already is refused with `conflict` on `field`. */
export async function orConflict<Result>(
  write: Promise<Result>,
  { field, what }: { field: string; what: string },
): Promise<Result> {
  try {
    return await write
  } catch (error) {
    if (violatedUnique(error)) throw refuse('conflict', `${what} with this ${field} exists already`, field)
    throw error
  }
}
