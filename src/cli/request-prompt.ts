import type { AgentRequest, AnswerBody } from '#src/client/rest/rest.ts'
import { CliError } from './failure.ts'
import { ask, canAsk } from './prompt.ts'
import { readValue, toNo, toYes } from './request-answers.ts'
import { describeField, describeRequest, listFields, type ShownField } from './request-text.ts'
import { toFields } from './text.ts'

/** An answer that was typed; undefined: the request is left as it is. */
type Typed = AnswerBody | undefined

export function assertCanAsk(advice: string): void {
  if (!canAsk()) throw new CliError('usage', 'There is no terminal to ask on', advice)
}

/** Shows a request on the terminal, and asks for its answer until there is one. A signal that aborts ends that with its reason. */
export async function promptForAnswer(request: AgentRequest, signal?: AbortSignal): Promise<Typed> {
  process.stderr.write(`\n${toFields(describeRequest(request))}\n`)
  const chosen = await choose(request, signal)
  if (chosen?.status !== 'resolved') return chosen
  const fields = listFields(request)
  return fields.length === 0 ? chosen : { ...chosen, payload: await fillIn(fields, signal) }
}

async function choose(request: AgentRequest, signal?: AbortSignal): Promise<Typed> {
  const options = request.options?.map(({ id }) => id) ?? []
  const question = `${[...options, 'y yes', 'n no', 's skip'].join(', ')}; a note after the word: `
  for (;;) {
    const typed = readChoice(request, await ask(question, signal))
    if (typed !== 'again') return typed
  }
}

/** What a line means: the id of an option, or a `y`, `n` or `s`, and a note after it. */
export function readChoice(
  request: Pick<AgentRequest, 'options' | 'response_schema'>,
  line: string,
): Typed | 'again' {
  const text = line.trim()
  const option = request.options
    ?.map(({ id }) => id)
    .filter((id) => text === id || text.startsWith(`${id} `))
    .sort((left, right) => right.length - left.length)[0]
  const word = option ?? /^\S*/.exec(text)?.[0] ?? ''
  const note = text.slice(word.length).trim() || undefined
  if (option !== undefined) return { status: 'resolved', option, note }
  if (/^s(kip)?$/i.test(word)) return undefined
  if (/^no?$/i.test(word)) return { ...toNo(request), note }
  if (!/^y(es)?$/i.test(word)) return 'again'
  const hasYes = !request.options || request.options.some(({ kind }) => kind.startsWith('allow_'))
  return hasYes ? { ...toYes(request), note } : 'again'
}

/** An empty line leaves out an optional field. */
async function fillIn(fields: readonly ShownField[], signal?: AbortSignal): Promise<Record<string, unknown>> {
  const payload: Record<string, unknown> = {}
  for (const shown of fields) {
    const value = await fillField(shown, signal)
    if (value !== undefined) payload[shown.name] = value
  }
  return payload
}

async function fillField(shown: ShownField, signal?: AbortSignal): Promise<unknown> {
  const hint = `${describeField(shown)}${shown.isRequired ? '' : ', optional'}`
  for (;;) {
    const text = await ask(`${shown.title} (${hint}): `, signal)
    if (text === '' && !shown.isRequired) return undefined
    const { value, mistake } = readValue(shown.field, text)
    if (mistake === undefined) return value
    process.stderr.write(`${mistake}\n`)
  }
}
