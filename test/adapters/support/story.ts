import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import type { Call, FakeModel } from './fake-model.ts'
import { type Operator, usageOf } from './stage.ts'

/** Longer than every limit that a framework sets, or a test sets in it. */
export const LONG_MS = 700

export type Framework = {
  /** The names of the guide in `docs/` and of its program. */
  name: string
  /** The model as Signalbox shall name it. */
  model_name: string
  model: FakeModel
  operator: () => Operator
  start: () => Promise<unknown>
  /** What a prompt shows of the result of a tool call that nobody approved. */
  refused?: RegExp
  /** A paused agent asks nobody, because it stands before the tool. */
  stands_before_tools?: boolean
}

/** One story for every framework: the program of its guide, a model that a test plays, and an operator. */
export function tellStory({
  name,
  model_name,
  model,
  operator,
  start,
  refused = /refused/i,
  ...own
}: Framework): void {
  // Frameworks print the errors that the story provokes.
  beforeEach(() => {
    for (const method of ['error', 'log', 'warn'] as const) vi.spyOn(console, method).mockReturnValue()
  })
  afterEach(() => vi.restoreAllMocks())

  test(`docs/${name}.md shows a program of at most 25 lines`, () => {
    const program = read(`programs/${name}.ts`)
    const [, shown] = /```ts\n(import .*?)```/s.exec(read(`../../docs/${name}.md`)) ?? []
    // The repository is the package signalbox, which has the client inside.
    expect(shown?.replaceAll("'@signalbox/client", "'signalbox/client")).toBe(program)
    expect(program.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(25)
  })

  test(`the program of docs/${name}.md obeys, hears, asks, reports and ends`, async () => {
    let ended: unknown
    const program = start().then(
      () => (ended = 'quietly'),
      (error) => (ended = error),
    )
    /** Unless the program has ended before. */
    const next = () => Promise.race([model.next(), program.then((how) => Promise.reject(how))])
    const person = await operator().meet()
    const first = await next()
    expect(first.prompt).toContain('Release what is ready')
    await person.becomes({ status: 'working', current_task: 'Release what is ready' })

    await person.order('pause')
    const outcome = await person.tell('Only release 42')
    first.reply({ tool: 'deploy', input: { release: '41' } })
    if (!own.stands_before_tools) await refuse(person)
    await person.obeyed()
    await wait(LONG_MS)
    expect({ calls: model.calls.length, ended }).toEqual({ calls: 1, ended: undefined })

    await person.order('resume')
    if (own.stands_before_tools) await refuse(person)
    const second = await next()
    expect(second.prompt).toContain('Only release 42')
    expect(second.prompt).toMatch(refused)
    expect(await outcome()).toBe('done')
    await person.obeyed()
    await person.becomes({ status: 'working' })

    second.reply({ tool: 'deploy', input: { release: '42' } })
    const request = await person.asked()
    expect(request).toMatchObject({
      reason: 'tool_call',
      tool_call: { name: expect.stringContaining('deploy'), arguments: { release: '42' } },
    })
    await person.becomes({ status: 'waiting' })
    await person.answer(request, { status: 'resolved' })
    const third = await next()
    expect(third.prompt).toContain('42 is live')
    expect(third.prompt.split('Only release 42').length).toBe(2)

    const fourth = await interrupted(person, third)
    await person.order('terminate')
    await program
    expect(ended).toBe('quietly')
    await person.obeyed()
    await eventually(() => fourth.signal?.aborted === true)
    const counters = { status: 'terminated', tokens_used: usageOf(model).tokens_used, tasks_completed: 0 }
    expect(await person.read()).toMatchObject(counters)
    const used = expect.objectContaining({ group: model_name, ...usageOf(model) })
    expect(await person.usage()).toContainEqual(used)
  })

  /** The first call of the tool is asked about while the agent is paused. */
  async function refuse(person: Operator): Promise<void> {
    const request = await person.asked()
    await person.answer(request, { status: 'cancelled', note: 'Refused: 41 is broken' })
  }

  /** An interrupting pause ends the call at once; after the resume it is made again. */
  async function interrupted(person: Operator, call: Call): Promise<Call> {
    await person.order('pause', { mode: 'interrupt' })
    await person.obeyed()
    expect(call.signal?.aborted).toBe(true)
    await person.order('resume')
    const again = await model.next()
    expect(again.prompt).toContain('42 is live')
    expect(again.prompt.split('Only release 42').length).toBe(2)
    return again
  }
}

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}
