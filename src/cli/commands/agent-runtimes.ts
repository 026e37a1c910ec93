import type { Command } from 'commander'
import { findInexactNumber } from '#src/domain/json.ts'
import { confirmed, define, duration, text } from '../command.ts'
import { CliError } from '../failure.ts'
import { confirm } from '../prompt.ts'
import { resolveAgent, resolveProject } from '../resolve.ts'
import { toLine } from '../text.ts'
import { inProject } from './agents.ts'

/** What goes to the runtimes of agents. */
export function addAgentRuntimes(program: Command, agents: Command): void {
  addMessage(agents)
  addToken(program)
  addRevoke(agents)
}

function addMessage(agents: Command): void {
  define(agents, {
    usage: 'message <agent> [text]',
    summary: 'Send a message to the runtime of an agent: a text, or a JSON object with --payload',
    examples: [
      'agents message Ada "the 07:12 is late" --project north-line',
      `agents message Ada --payload '{"task":47}'`,
    ],
    options: { payload: text('--payload <json>', 'a JSON object instead of the text'), ...inProject },
    async run({ api, print }, { args: [reference, message], options: { payload: json, project } }) {
      if ((message === undefined) === (json === undefined)) {
        throw new CliError('usage', 'Give either a text or --payload')
      }
      const payload = json === undefined ? { text: message } : parseObject(json)
      const project_id = await resolveProject(api, project)
      const agent_id = await resolveAgent(api, project_id, reference)
      const signal = await api.signals.send(project_id, agent_id, { kind: 'message', payload })
      print(
        signal,
        () => `Sent as signal ${signal.id}; the server keeps it until the runtime acknowledges it`,
      )
    },
  })
}

function parseObject(json: string): Record<string, unknown> {
  const value = readJson(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError('usage', '--payload must be a JSON object')
  }
  const inexact = findInexactNumber(json)
  if (inexact) {
    const message = `--payload: ${inexact.literal} has too many digits for a JSON number: write it as a string`
    throw new CliError('usage', message)
  }
  return { ...value }
}

function readJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function addToken(program: Command): void {
  define(program, {
    usage: 'token <agent>',
    summary: 'Print a token for the runtime of one agent, valid for that agent only',
    examples: ['token Ada --project north-line --expires-in 7d', 'token Ada --json'],
    options: {
      expires_in: duration('--expires-in <time>', 'at most 30d (default: 1d)'),
      ...inProject,
    },
    async run({ api, print }, { args: [reference], options: { expires_in, project } }) {
      const project_id = await resolveProject(api, project)
      const agent_id = await resolveAgent(api, project_id, reference)
      const issued = await api.agents.issueToken(project_id, agent_id, { expires_in })
      print(issued, () => issued.token)
    },
  })
}

function addRevoke(agents: Command): void {
  define(agents, {
    usage: 'revoke-tokens <agent>',
    summary: 'Revoke every token of an agent; a runtime key still runs it',
    examples: ['agents revoke-tokens Ada --project north-line', 'agents revoke-tokens Ada --yes'],
    options: { ...confirmed, ...inProject },
    async run({ api, print }, { args: [reference], options: { yes, project } }) {
      const project_id = await resolveProject(api, project)
      const agent_id = await resolveAgent(api, project_id, reference)
      await confirm(`Revoke every token of ${toLine(reference)}?`, yes)
      const answer = await api.agents.revokeTokens(project_id, agent_id)
      print(answer, () => answer.message)
    },
  })
}
