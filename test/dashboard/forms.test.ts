import { execFileSync } from 'node:child_process'
import { runInNewContext } from 'node:vm'
import { describe, expect, inject, it } from 'vitest'
import { ApiError } from '#src/client/rest/rest.ts'
import { findArrival, findHolder, unusedName } from '#src/dashboard/model/arrivals.ts'
import { atField, FieldError, problemsOf, sayProblem } from '#src/dashboard/model/problems.ts'
import { slugOf } from '#src/dashboard/model/slug.ts'
import { type Connecting, snippets } from '#src/dashboard/model/snippets.ts'
import { type AgentState, toAgentSummary } from '#src/domain/agent.ts'
import { anAgent } from '../domain/an-agent.ts'

const { python } = inject('programs')

describe('a slug made of a name', () => {
  it.each([
    ['North line', 'north-line'],
    ['  Die Nördliche Linie! ', 'die-nordliche-linie'],
    ['_agents_ & co.', 'agents_-co'],
    ["Vera's project", 'veras-project'],
    ['Vera’s project', 'veras-project'],
    ['北線', ''],
  ])('%s becomes %s', (name, slug) => {
    expect(slugOf(name)).toBe(slug)
  })
})

describe('what is wrong with a form', () => {
  it('is at its fields, in words for people', () => {
    const refusal = new ApiError({
      status: 422,
      errors: [
        { code: 'VAL_001', message: 'Must have at least 8 characters', field: 'password' },
        { code: 'DB_002', message: 'A project with this slug already exists', field: 'slug' },
        { code: 'DB_002', message: 'The project has agents that are not terminated', field: null },
      ],
    })
    expect(problemsOf(refusal)).toEqual([
      { field: 'password', message: 'Enter at least 8 characters' },
      { field: 'slug', message: 'Another project has this slug. Enter a different one' },
      { field: null, message: 'The project has agents that are not terminated' },
    ])
  })

  it.each([
    [
      'Must be an http or https URL without credentials',
      'Enter an http or https address, without a password in it',
    ],
    [
      'Must be lower-case letters, digits, hyphens and underscores',
      'Use lower-case letters, digits, - and _',
    ],
    [
      'The address is not allowed',
      "Private addresses are refused. The server's WEBHOOK_ALLOWED_NETWORKS can allow them.",
    ],
    ['Must be at most 366 days ahead', 'Must be at most 366 days ahead'],
    ['Must be at least -0.5', 'Enter a number of at least -0.5'],
    ['Must be one of eu, us', 'Choose one of eu, us'],
    ['Must have at least 2 items', 'Choose at least 2'],
    ['Must be an RFC 3339 time', 'Enter a date and a time'],
  ])('says all of "%s" in words for people, or none of it', (message, words) => {
    expect(sayProblem(message)).toBe(words)
  })

  it('gets its field where the page reads the input', () => {
    const read = () => {
      throw new RangeError('Enter a whole number')
    }
    expect(() => atField('agent_limit', read)).toThrow(FieldError)
    expect(problemsOf(new FieldError('agent_limit', 'Enter a whole number'))).toEqual([
      { field: 'agent_limit', message: 'Enter a whole number' },
    ])
  })
})

describe('a program to copy', () => {
  const name = `It's "Ada" $HOME $(id) \`id\` \\`
  const own: Connecting = {
    url: 'https://signalbox.example.org',
    key: 'sbx_key',
    project_id: 'P',
    agent_id: 'A',
    name,
    external_id: 'ada',
    agent_type: 'crawler',
  }

  it('keeps any name in TypeScript', () => {
    const [, literal = ''] = /name: (.*),/.exec(snippets.typescript.write(own)) ?? []
    expect(runInNewContext(literal)).toBe(name)
  })

  it('keeps any name in a shell', () => {
    const script = `signalbox() { printf '%s\\n' "$SIGNALBOX_TOKEN" "$@"; }\n${snippets.command.write(own)}`
    const lines = execFileSync('sh', ['-c', script]).toString().trimEnd().split('\n')
    const options = ['--type', 'crawler', '--name', name, '--external-id', 'ada']
    expect(lines).toEqual(['sbx_key', 'run', ...options, '--', 'sleep', '300'])
  })

  it.skipIf(!python)('is valid Python', () => {
    const parse = 'import ast, sys; ast.parse(sys.stdin.read())'
    execFileSync(python ?? '', ['-c', parse], { input: snippets.python.write(own) })
  })
})

describe('the agent that is waited for', () => {
  const at = '2026-11-29T09:00:00.000Z'
  const connected = { runtime_connected: true, runtime_since: at }
  const agentsOf = (...agents: Partial<AgentState>[]) =>
    new Map(agents.map((own) => [own.id ?? '', toAgentSummary(anAgent(own))]))
  const before = agentsOf(
    { id: 'old', external_id: 'old', ...connected },
    { id: 'silent', external_id: 'silent' },
    { id: 'over', external_id: 'over', status: 'terminated' },
    { id: 'http', external_id: 'http', last_activity_at: at },
  )
  const find = (external_id: string, own: Partial<AgentState>) => {
    const agents = new Map([...before, ...agentsOf({ external_id, ...own })])
    return findArrival(agents, before, external_id)?.id
  }

  it('is the one with the id whose runtime connects, or reports over HTTP', () => {
    expect(find('ada', { id: 'new' })).toBeUndefined()
    expect(find('ada', { id: 'new', ...connected })).toBe('new')
    expect(find('silent', { id: 'silent', status: 'working', last_activity_at: at })).toBe('silent')
    expect(findArrival(new Map([...before, ...agentsOf({ id: 'new', ...connected })]), before, 'ada')).toBe(
      undefined,
    )
  })

  it('is none that ran before, unless a runtime of it comes since', () => {
    const later = '2026-11-29T09:00:01.000Z'
    expect(find('old', { id: 'old', seq: 3, ...connected, last_activity_at: later })).toBeUndefined()
    expect(find('old', { id: 'old', ...connected, runtime_since: later })).toBe('old')
    expect(find('http', { id: 'http', last_activity_at: later })).toBeUndefined()
  })

  it('is none that a person has paused', () => {
    expect(find('silent', { id: 'silent', status: 'paused', last_activity_at: at })).toBeUndefined()
  })

  it('takes the name of a live agent', () => {
    expect(findHolder(before, 'old')?.id).toBe('old')
    expect(findHolder(before, 'over')).toBeUndefined()
    expect(findHolder(before, 'ada')).toBeUndefined()
  })

  it('gets a name that no agent has, living or not', () => {
    expect(unusedName(before)).toBe('First agent')
    expect(unusedName(agentsOf({ id: '1', external_id: 'first-agent' }))).toBe('Agent 2')
    const ended = { id: '2', external_id: 'agent-2', status: 'terminated' } as const
    expect(unusedName(agentsOf({ id: '1', external_id: 'first-agent' }, ended))).toBe('Agent 3')
  })
})
