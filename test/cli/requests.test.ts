import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { toNo, toPayload } from '#src/cli/request-answers.ts'
import { readChoice } from '#src/cli/request-prompt.ts'
import type { Question } from '#src/client/agent/question.ts'
import { runAgent } from '#src/client/agent/run-agents.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { type AgentRequest, createApi, type InboxRequest, type Page } from '#src/client/rest/rest.ts'
import type { App } from '#src/server/app.ts'
import { admin, backends, startApp } from '../support/backends.ts'
import { CliUser, listUnused, reader } from '../support/cli-process.ts'
import { eventually } from '../support/eventually.ts'
import { unique } from '../support/rest.ts'

const { python } = inject('programs')
const options: NonNullable<Question['options']> = [
  { id: 'later', label: 'Later', kind: 'other' },
  { id: 'go', label: 'Go on', kind: 'allow_once' },
  { id: 'go back', label: 'Go back', kind: 'reject_once' },
]
const response_schema = {
  type: 'object',
  properties: {
    gauge: { type: 'integer', title: 'Gauge' },
    wet: { type: 'boolean' },
    lines: { type: 'array', items: { enum: ['north', 'south'] } },
  },
  required: ['gauge'],
}
const done = (stdout: string) => ({ code: 0, stdout, stderr: '' })
const containing = (text: string) => expect.stringContaining(text)

describe.each(backends.slice(0, 1))('requests from the command line', (backend) => {
  let app: App
  let cli: CliUser
  let ada: RunningAgent
  const slug = unique('line')

  beforeAll(async () => {
    app = await startApp(await backend.config())
    const url = `http://127.0.0.1:${(await app.listen()).port}`
    const { access_token: token } = await createApi({ url }).auth.login(admin)
    const api = createApi({ url, token })
    const { id: project_id } = await api.projects.create({ slug, name: 'North Line' })
    const agent_type = unique('driver')
    await api.agentTypes.create({ slug: agent_type, name: 'Driver' })
    cli = await CliUser.signedIn({ SIGNALBOX_URL: url })
    ada = await runAgent({ url, token, project_id, external_id: 'ada', name: 'Ada', agent_type })
  })
  afterAll(async () => {
    await ada.close()
    cli.remove()
    await app.stop()
  })

  /** Asks, and answers with the given command. */
  async function ask(question: Partial<Question>, ...args: string[]) {
    const asked = ada.ask({ message: 'Go on\nnow?', ...question })
    await eventually(async () => (await cli.json<Page<InboxRequest>>('requests', 'list')).data.length === 1)
    const ended = await cli.run(['requests', ...args])
    return { ended, answer: ended.code === 0 ? await asked : asked }
  }

  it('lists and shows them, and says yes or no to them', async () => {
    const approved = ada.ask({ message: 'Go on\nnow?', options, request_id: 'go-1' })
    await eventually(async () => (await cli.run(['requests', 'list'])).stdout.includes('Go on now?'))
    expect((await cli.run(['requests', 'list'])).stdout).toMatch(
      /North Line +Ada +Go on now\? +input_required +open/,
    )
    const { stdout } = await cli.run(['requests', 'show', 'Ada'])
    expect(stdout).toMatch(/options +later \(Later\), go \(Go on\), go back \(Go back\)/)
    expect(await cli.run(['requests', 'approve', 'go-1', '--note', 'Now'])).toEqual(done('Ada: answered go'))
    expect(await approved).toMatchObject({ status: 'resolved', option: 'go', note: 'Now' })
    expect(await cli.run(['requests', 'approve', 'go-1'])).toMatchObject({
      code: 1,
      stderr: containing('No open request "go-1": see "signalbox requests list"'),
    })
    const [{ id } = { id: '' }] = (
      await cli.json<Page<AgentRequest>>('requests', 'list', '--project', slug, '--state', 'resolved')
    ).data
    expect(await cli.run(['requests', 'deny', id, '--project', slug])).toMatchObject({
      code: 1,
      stderr: 'signalbox: Request is already resolved',
    })
    const { ended, answer } = await ask({}, 'deny', 'Ada', '--note', 'Too late')
    expect(ended).toEqual(done('Ada: denied'))
    expect(answer).toMatchObject({ status: 'cancelled', note: 'Too late' })
  })

  it('fills in forms, and refuses to prompt without a terminal', async () => {
    const { ended } = await ask(
      { response_schema, request_id: 'form' },
      'answer',
      'Ada',
      '--set',
      'gauge=wide',
    )
    expect(ended).toMatchObject({ code: 1, stderr: containing('payload.gauge: Must be a number') })
    const wanted = 'There is no terminal to ask on'
    for (const args of [['watch'], ['answer', 'Ada']]) {
      expect(await cli.run(['requests', ...args])).toMatchObject({ code: 2, stderr: containing(wanted) })
    }
    const twice = await cli.run(['requests', 'answer', 'form', '--set', 'gauge=1', '--set', 'gauge=2'])
    expect(twice).toMatchObject({ code: 2, stderr: containing('--set gives "gauge" more than one value') })
    const approved = await cli.run(['requests', 'approve', 'form'])
    expect(approved).toMatchObject({ code: 1, stderr: containing('"signalbox requests answer" with --set') })
    const asked = ada.ask({ message: 'Again', request_id: 'form' })
    const set = ['gauge=1435', 'wet=yes', 'lines=north', 'lines=south'].flatMap((field) => ['--set', field])
    expect(await cli.run(['requests', 'answer', 'form', ...set])).toEqual(done('Ada: answered'))
    expect(await asked).toMatchObject({ payload: { gauge: 1435, wet: true, lines: ['north', 'south'] } })
  })

  it.skipIf(!python)(
    'prompts for one after another, and leaves one that another person answers',
    async () => {
      const terminal = [python ?? '', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])']
      const child = cli.open(['requests', 'watch'], {}, terminal)
      const next = reader(child)
      try {
        const first = ada.ask({ message: 'First?', options, request_id: 'first' })
        await next('First?')
        const answered = await cli.run(['requests', 'approve', 'first', '--note', 'Faster'])
        expect(answered).toEqual(done('Ada: answered go'))
        expect(await first).toMatchObject({ option: 'go', note: 'Faster' })
        await next('Ada: answered go, while you were asked')
        const second = ada.ask({ message: 'Second?', request_id: 'second' })
        await next('Second?')
        child.stdin.write('n not yet\r')
        expect(await second).toMatchObject({ status: 'cancelled', note: 'not yet' })
      } finally {
        child.kill()
      }
    },
  )

  it('ran every command of requests', () => {
    expect(listUnused((path) => path.startsWith('requests '))).toEqual([])
  })
})

describe('a line typed at a request', () => {
  it.each([
    ['y', null, { status: 'resolved', note: undefined }],
    ['no not today', null, { status: 'cancelled', note: 'not today' }],
    ['skip', null, undefined],
    ['', null, 'again'],
    ['what?', options, 'again'],
    ['yes', options, { status: 'resolved', option: 'go', note: undefined }],
    ['yes', options.slice(0, 1), 'again'],
    ['n', options, { status: 'resolved', option: 'go back', note: undefined }],
    ['go then', options, { status: 'resolved', option: 'go', note: 'then' }],
    ['go back', options, { status: 'resolved', option: 'go back', note: undefined }],
  ])('%j of %j means %j', (line, given, meaning) => {
    expect(readChoice({ options: given, response_schema: null }, line)).toEqual(meaning)
  })

  it('takes the choices of a field from several values, also one with a comma in its name', () => {
    const items = { type: 'string' as const, enum: ['a', 'b', 'c, d'] }
    const form = {
      options: null,
      response_schema: { properties: { tags: { type: 'array' as const, items } } },
    }
    const read = (...tags: string[]) => toPayload(form, new Map([['tags', tags]])).tags
    expect(read('a', 'b')).toEqual(['a', 'b'])
    expect(read('a, b', 'c, d')).toEqual(['a', 'b', 'c, d'])
    expect(read('')).toEqual([])
  })

  it('says no without the form, and leaves what does not fit for the check to name', () => {
    expect(toNo({ options, response_schema: { properties: {} } })).toEqual({ status: 'cancelled' })
    const form = { options: null, response_schema: response_schema as never }
    expect(toPayload(form, new Map(Object.entries({ gauge: [' '], wet: ['damp'], other: ['1'] })))).toEqual({
      gauge: ' ',
      wet: 'damp',
      other: '1',
    })
  })
})
