import { execFileSync } from 'node:child_process'
import { runInNewContext } from 'node:vm'
import { describe, expect, inject, it } from 'vitest'
import { ApiError } from '#src/client/rest/rest.ts'
import { findArrival, noteMoment } from '#src/dashboard/model/arrivals.ts'
import { atField, FieldError, problemsOf } from '#src/dashboard/model/problems.ts'
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
    { id: 'old', seq: 1, external_id: 'old', ...connected },
    { id: 'silent', seq: 2, external_id: 'silent' },
  )
  const moment = noteMoment(before, 2)
  const find = (...agents: Partial<AgentState>[]) =>
    findArrival(new Map([...before, ...agentsOf(...agents)]), moment, 'ada')?.id

  it('is the first that connects, or reports over HTTP', () => {
    expect(find()).toBeUndefined()
    expect(find({ id: 'new', seq: 3 })).toBeUndefined()
    expect(find({ id: 'new', seq: 3, ...connected })).toBe('new')
    expect(find({ id: 'silent', seq: 3, status: 'working', last_activity_at: at })).toBe('silent')
    expect(find({ id: 'new', seq: 5, ...connected }, { id: 'silent', seq: 4, ...connected })).toBe('silent')
  })

  it('is none that was there before, unless it has the name that is waited for', () => {
    expect(find({ id: 'old', seq: 3, external_id: 'old', ...connected })).toBeUndefined()
    expect(find({ id: 'old', seq: 3, external_id: 'ada', ...connected })).toBe('old')
  })

  it('is none that a person has paused', () => {
    expect(find({ id: 'silent', seq: 3, status: 'paused', last_activity_at: at })).toBeUndefined()
  })
})
