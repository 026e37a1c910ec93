import { ApiError } from '#src/client/rest/rest.ts'

/** What is wrong with an input. Without a field it is about the whole form. */
export type Problem = { field: string | null; message: string }

/** Wrong input that the page finds itself. */
export class FieldError extends RangeError {
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** Says at which field an error of `read` belongs. */
export function atField<Value>(field: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw error instanceof RangeError ? new FieldError(field, error.message) : error
  }
}

/** The server speaks to programs; these are the words for people. Each pattern is a whole message. */
const words: [RegExp, string][] = [
  [/^Must be lower-case letters, digits.*$/, 'Use lower-case letters, digits, - and _'],
  [/^Must be an amount from 0 to.*$/, 'Enter an amount such as 1.50'],
  [/^Must be an e-mail address.*$/, 'Enter a valid e-mail address'],
  [/^(Must not be empty|Field required)$/, 'Enter a value'],
  [/^Must be the current password.*$/, 'This is not your current password'],
  [/^Must differ from the e-mail.*$/, 'The password must differ from the e-mail address'],
  [/^Must be an http or https URL.*$/, 'Enter an http or https address, without a password in it'],
  [/^Must be a whole number.*$/, 'Enter a whole number, such as 200,000'],
  [/^Must have at least (\d+) characters$/, 'Enter at least $1 characters'],
  [/^Must have at most (\d+) characters$/, 'Enter at most $1 characters'],
  [/^Must be at (least|most) (-?[\d.]+)$/, 'Enter a number of at $1 $2'],
  [/^Must be a number$/, 'Enter a number'],
  [/^Must be a URI$/, 'Enter a whole address, such as https://example.org'],
  [/^Must be (a date such as .*)$/, 'Enter $1'],
  [/^Must be an RFC 3339 time$/, 'Enter a date and a time'],
  [/^Must be (one of|true or false)(.*)$/, 'Choose $1$2'],
  [/^Must have at (least|most) (\d+) items$/, 'Choose at $1 $2'],
  [/^Must be a UUID.*$/, 'Enter an ID such as 0193a1b2-0000-7000-8000-000000000001'],
  [/^A (\w+) with this (.+) already exists$/, 'Another $1 has this $2. Enter a different one'],
  [/^User \S+ not found$/, 'No user has this ID'],
  [/^The last active superuser cannot be (.+)$/, 'The last active admin cannot be $1'],
  [
    /^The address is not allowed$/,
    "Private addresses are refused. The server's WEBHOOK_ALLOWED_NETWORKS can allow them.",
  ],
]

/** A message of the server, in words for people. */
export function sayProblem(message: string): string {
  const found = words.find(([pattern]) => pattern.test(message))
  return found ? message.replace(...found) : message
}

/** What an error says, in words for people. */
export function sayError(error: unknown): string {
  return error instanceof Error ? sayProblem(error.message) : String(error)
}

/** Everything that an error says is wrong, in words for people. */
export function problemsOf(error: unknown): Problem[] {
  if (error instanceof ApiError)
    return error.errors.map(({ field, message }) => ({ field, message: sayProblem(message) }))
  const field = error instanceof FieldError ? error.field : null
  return [{ field, message: sayError(error) }]
}
