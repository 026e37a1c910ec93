import { type Command, InvalidArgumentError } from 'commander'
import { type AgentRequest, type AnswerBody, ApiError, type InboxRequest } from '#src/client/rest/rest.ts'
import { requestStates } from '#src/domain/request.ts'
import type { Cli } from '../cli.ts'
import { choice, define, defineGroup, repeated, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { splitAssignment } from '../labels.ts'
import { pageOptions, printList } from '../lists.ts'
import { parsePayload, toNo, toPayload, toYes } from '../request-answers.ts'
import { findRequest } from '../request-choice.ts'
import { assertCanAsk, promptForAnswer } from '../request-prompt.ts'
import { describeEnding, toText } from '../request-text.ts'
import { watchRequests } from '../request-watch.ts'
import { resolveAgent, resolveProject } from '../resolve.ts'
import { shorten, toLine } from '../text.ts'
import { inProject } from './agents.ts'

const columns = {
  AGENT: ({ agent_name }: AgentRequest) => agent_name,
  ASKS: ({ message }: AgentRequest) => shorten(toLine(message), 48),
  REASON: ({ reason }: AgentRequest) => reason,
  STATE: describeEnding,
  SINCE: ({ created_at }: AgentRequest) => created_at,
  UNTIL: ({ expires_at }: AgentRequest) => expires_at ?? '',
  ID: ({ id }: AgentRequest) => id,
}

const note = text('--note <text>', 'a note for the agent')

const fields = repeated<Map<string, string[]>>(
  '--set <name=value>',
  'a field of the form; repeat it for other fields, and for several choices of one (or put commas between them)',
  (value, before) => {
    const assigned = splitAssignment(value)
    if (!assigned) throw new InvalidArgumentError('It must be NAME=VALUE.')
    const [name, filled] = assigned
    return new Map(before).set(name, [...(before?.get(name) ?? []), filled])
  },
)

/** What agents ask people. */
export function addRequests(program: Command): void {
  const requests = defineGroup(program, 'requests', 'List and answer what agents ask people')
  addReaders(requests)
  addAnswers(requests)
  define(requests, {
    usage: 'watch',
    summary: 'Prompt for one open request after another, as they come in (Ctrl-C stops)',
    examples: ['requests watch', 'requests watch --project north-line'],
    options: inProject,
    async run(cli, { options: { project } }) {
      assertCanAsk('use "signalbox requests list" and "signalbox requests answer"')
      await watchRequests(cli, project === undefined ? undefined : await resolveProject(cli.api, project))
    },
  })
}

function addReaders(requests: Command): void {
  define(requests, {
    usage: 'list',
    summary: 'List the open requests of all your projects, oldest first; or those of one project',
    examples: ['requests list', 'requests list --project north-line --state all --agent Ada'],
    options: {
      state: choice('--state <state>', 'of one project: also ended ones (default: open)', [
        ...requestStates,
        'all',
      ]),
      agent: text('--agent <agent>', 'of one project: only those of this agent, by name or id'),
      reason: text('--reason <reason>', 'of one project: only those with this reason, such as tool_call'),
      ...pageOptions,
      ...inProject,
    },
    async run(cli, { options }) {
      const { state, agent, reason, project } = options
      if (project === undefined && !state && !agent && !reason) {
        const PROJECT = ({ project_name }: InboxRequest) => project_name
        return printList(cli, { columns: { PROJECT, ...columns }, options }, (page) =>
          cli.api.requests.mine(page),
        )
      }
      const project_id = await resolveProject(cli.api, project)
      const agent_id = agent === undefined ? undefined : await resolveAgent(cli.api, project_id, agent)
      await printList(cli, { columns, options }, (page) =>
        cli.api.requests.list(project_id, { ...page, state, agent_id, reason }),
      )
    },
  })
  define(requests, {
    usage: 'show <request>',
    summary: 'Show a request, by its id, its request id, or the name of its agent',
    examples: ['requests show Ada', 'requests show deploy-42 --project north-line'],
    options: inProject,
    async run(cli, { args: [reference], options: { project } }) {
      const request = await findRequest(cli, reference, project)
      cli.print(request, () => toText(request))
    },
  })
}

function addAnswers(requests: Command): void {
  const own = { note, ...inProject }
  define(requests, {
    usage: 'answer <request>',
    summary: 'Answer a request with an option or a filled-in form; without either, asks you on the terminal',
    examples: [
      'requests answer Ada --option yes --note "after the backup"',
      'requests answer deploy-42 --set environment=prod --set replicas=3',
    ],
    options: {
      option: text('--option <id>', 'one of its options'),
      set: fields,
      payload: text('--payload <json>', 'the whole form as JSON'),
      ...own,
    },
    async run(cli, { args: [reference], options: { option, set, payload, note, project } }) {
      if (set && payload !== undefined) throw new CliError('usage', 'Use --set or --payload, not both')
      const given = payload === undefined ? undefined : parsePayload(payload)
      const isGiven = option !== undefined || set !== undefined || given !== undefined
      if (!isGiven) assertCanAsk('use --option, --set or --payload')
      const request = await findRequest(cli, reference, project)
      const filled = given ?? (set && toPayload(request, set))
      const typed: AnswerBody | undefined = isGiven
        ? { status: 'resolved', option, payload: filled }
        : await promptForAnswer(request)
      if (!typed) throw new CliError('failed', 'Nothing was answered')
      await answer(cli, request, { ...typed, note: note ?? typed.note })
    },
  })
  define(requests, {
    usage: 'approve <request>',
    summary: 'Say yes: the first option that allows something, if it has options',
    examples: ['requests approve Ada', 'requests approve deploy-42 --note "after the backup"'],
    options: own,
    async run(cli, { args: [reference], options: { note, project } }) {
      const request = await findRequest(cli, reference, project)
      if (request.response_schema?.required?.length) {
        const advice = 'use "signalbox requests answer" with --set or --payload'
        throw new CliError('failed', 'A yes to this request has a form to fill in', advice)
      }
      await answer(cli, request, { ...toYes(request), note })
    },
  })
  define(requests, {
    usage: 'deny <request>',
    summary: 'Say no: the first option that rejects something, else without an answer',
    examples: ['requests deny Ada --note "not on a Friday"'],
    options: own,
    async run(cli, { args: [reference], options: { note, project } }) {
      const request = await findRequest(cli, reference, project)
      await answer(cli, request, { ...toNo(request), note })
    },
  })
}

/** With --json, programs get the contract's problems as they are. */
async function answer({ api, print, isJson }: Cli, request: AgentRequest, body: AnswerBody): Promise<void> {
  try {
    const ended = await api.requests.answer(request.project_id, request.id, body)
    print(ended, () => `${toLine(ended.agent_name)}: ${describeEnding(ended)}`)
  } catch (error) {
    const isLate = error instanceof ApiError && error.status === 409
    throw isLate && !isJson ? new CliError('failed', error.message) : error
  }
}
