import { signal } from '@preact/signals'
import { type Api, ApiError } from '#src/client/rest/rest.ts'
import type { AppState } from './app-state.ts'
import { byField, findMistakes, startValues, toPayload, type Value, type Values } from './form.ts'
import type { Inbox } from './inbox.ts'
import { links } from './links.ts'
import { say } from './notices.ts'
import type { Permissions } from './permissions.ts'
import { type Asked, type Choice, sayEnding, sayEndingAndActor } from './requests.ts'

/** What somebody is about to answer, and what is wrong with it. */
export type Draft = {
  values: Values
  note: string
  isSending: boolean
  /** By field of the form. */
  mistakes: ReadonlyMap<string, string>
  problems: readonly string[]
}

const known = new WeakMap<AppState, Answers>()

/** The user's answers, from the first key stroke until the server has them. A draft outlives a look at another request. */
export class Answers {
  readonly #api: Api
  readonly #inbox: Inbox
  readonly #permissions: Pick<Permissions, 'nameOf'>
  readonly #drafts = signal<ReadonlyMap<string, Draft>>(new Map())

  constructor({ api, inbox, permissions }: AppState) {
    this.#api = api
    this.#inbox = inbox
    this.#permissions = permissions
  }

  /** Those of this user. They are made with the first visit of the inbox, whose code comes only then. */
  static of(app: AppState): Answers {
    const answers = known.get(app) ?? new Answers(app)
    known.set(app, answers)
    return answers
  }

  draft({ id, response_schema }: Asked): Draft {
    const known = this.#drafts.value.get(id)
    if (known) return known
    const values = response_schema ? startValues(response_schema) : new Map()
    return { values, note: '', isSending: false, mistakes: new Map(), problems: [] }
  }

  edit(request: Asked, change: Partial<Draft>): void {
    const draft = { ...this.draft(request), ...change }
    this.#drafts.value = new Map(this.#drafts.peek()).set(request.id, draft)
  }

  /** Undefined empties the field. The mistake of a field goes with its next change. */
  fill(request: Asked, name: string, value: Value | undefined): void {
    const { values, mistakes } = this.draft(request)
    const [filled, left] = [new Map(values), new Map(mistakes)]
    left.delete(name)
    if (value === undefined) filled.delete(name)
    else filled.set(name, value)
    this.edit(request, { values: filled, mistakes: left })
  }

  /** Resolves with whether the request has ended; otherwise the draft says what is wrong. */
  async give(request: Asked, choice: Choice): Promise<boolean> {
    const { values, note, isSending } = this.draft(request)
    if (isSending) return false
    const form = choice.status === 'resolved' ? request.response_schema : null
    const payload = form ? toPayload(form, values) : undefined
    const mistakes = form && payload ? findMistakes(form, payload) : new Map()
    this.edit(request, { isSending: mistakes.size === 0, mistakes, problems: [] })
    if (mistakes.size > 0) return false
    try {
      const body = { ...choice, payload, note: note.trim() || undefined }
      this.#end(await this.#api.requests.answer(request.project_id, request.id, body), 'done')
      return true
    } catch (error) {
      return this.#refused(request, error)
    }
  }

  async #refused(request: Asked, error: unknown): Promise<boolean> {
    const isLate = error instanceof ApiError && error.status === 409
    const latest = isLate ? await this.#readAgain(request) : undefined
    if (latest) {
      this.#end(latest, 'partial')
      return false
    }
    const { fields, others } = byField(
      error instanceof ApiError ? error.errors : [{ message: String(error) }],
    )
    this.edit(request, { isSending: false, mistakes: fields, problems: others })
    return false
  }

  /** How the request ended. One that is over, but still open, is about to expire: an event tells. */
  async #readAgain({ project_id, id }: Asked): Promise<Asked | undefined> {
    const latest = await this.#api.requests.get(project_id, id).catch(() => undefined)
    return latest?.state === 'open' ? undefined : latest
  }

  #end(request: Asked, kind: 'done' | 'partial'): void {
    this.#inbox.note(request)
    const drafts = new Map(this.#drafts.peek())
    drafts.delete(request.id)
    this.#drafts.value = drafts
    const how =
      kind === 'done'
        ? sayEnding(request)
        : `already ${sayEndingAndActor(request, (actor) => this.#permissions.nameOf(actor))}`
    say(kind, `${request.agent_name}: ${how}`, links.agent(request.project_id, request.agent_id))
  }
}
