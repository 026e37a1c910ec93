import { refuse } from '#src/domain/errors.ts'
import { violatedUnique } from '#src/store/failures.ts'

/** Refuses a write with `conflict` on `field` where another row already has that value. */
export async function orConflict<Result>(
  write: Promise<Result>,
  { field, what }: { field: string; what: string },
): Promise<Result> {
  try {
    return await write
  } catch (error) {
    if (violatedUnique(error)) throw refuse('conflict', `${what} with this ${field} already exists`, field)
    throw error
  }
}
