import { type ChildProcess, spawn as spawnProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import type { AgentRequest } from '#src/domain/request.ts'
import type { App } from '#src/server/app.ts'
import { backends, startApp } from '../support/backends.ts'
import { addKey, addToken } from '../support/cast.ts'
import { CliUser } from '../support/cli-process.ts'
import { answerOf, eventually } from '../support/eventually.ts'
import { type Agent, createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { freePort } from '../support/services.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const { curl } = inject('programs')
const document = readFileSync(new URL('../../docs/http-runtimes.md', import.meta.url), 'utf8')
const blockOf = (language: string) =>
  new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(document)?.[1] ?? ''
const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const containing = (text: string) => expect.stringContaining(text)
/** As Claude Code says it to a hook. */
const toolCall = (id: string, command: string) => ({
  session_id: 'abc123',
  transcript_path: '/home/ada/.claude/projects/line/abc123.jsonl',
  cwd: '/home/ada/line',
  permission_mode: 'default',
  hook_event_name: 'PreToolUse',
  tool_name: 'Bash',
  tool_input: { command },
  tool_use_id: id,
})

describe.each(backends.slice(0, 1))('an agent without a WebSocket', (backend) => {
  let app: App
  let fleet: Fleet
  let url: string
  let cli: CliUser
  let agent: Agent
  let path: string
  let env: Record<string, string>

  beforeAll(async () => {
    app = await startApp(await backend.config())
    url = `http://127.0.0.1:${(await app.listen()).port}`
    fleet = await createFleet(await Rest.at(url).signIn())
    cli = new CliUser({ SIGNALBOX_URL: url })
  })
  afterAll(async () => {
    cli.remove()
    await app.stop()
  })

  const begin = async (own: object = {}) => {
    agent = await spawn(fleet, own)
    path = `${fleet.agents}/${agent.id}`
    env = { SIGNALBOX_TOKEN: await addToken(fleet.rest, agent) }
  }
  const hook = (args: string[] = [], extra: { input?: string; env?: Record<string, string> } = {}) =>
    cli.run(['hook', ...args], { ...extra, env: { ...env, ...extra.env } })
  const show = async () => (await fleet.rest.get<Agent>(path)).body
  const isDone = (kind: string) => async () => {
    const { control } = await show()
    return control?.kind === kind && control.state === 'done'
  }
  const order = async (name: string, body: object = {}) => {
    const { status } = await fleet.rest.post(`${path}/${name}`, body)
    expect(status).toBe(200)
  }
  /** The open request, once there is one. */
  const question = () =>
    answerOf(async () => {
      const { body } = await fleet.rest.get<{ data: AgentRequest[] }>(
        `/projects/${fleet.project_id}/requests?agent_id=${agent.id}`,
      )
      return body.data[0]
      // A process has to start first, on a busy machine beside others.
    }, 30_000)
  const answer = async (own: object) => {
    const { id } = await question()
    await fleet.rest.post(`/projects/${fleet.project_id}/requests/${id}/answer`, own)
  }

  describe('at a hook', () => {
    it('goes ahead, stands while it is paused, and goes ahead after the resume', async () => {
      await begin()
      expect(await hook()).toEqual({ code: 0, stdout: '', stderr: '' })
      await order('pause', { reason: 'lunch' })
      expect(await hook(['--wait', '0'])).toEqual({
        ...{ code: 2, stdout: '', stderr: 'signalbox: Agent is paused: lunch' },
      })
      expect((await show()).control).toMatchObject({ kind: 'pause', state: 'done' })
      const standing = hook()
      await order('resume')
      expect((await standing).code).toBe(0)
      expect((await show()).control).toMatchObject({ kind: 'resume', state: 'done' })
    })

    it('is stopped by a terminate, with the reason for the model', async () => {
      await begin()
      await order('pause')
      const standing = hook()
      await eventually(isDone('pause'))
      await fleet.rest.delete(path, { reason: 'enough' })
      expect(await standing).toMatchObject({ code: 2, stderr: 'signalbox: Agent is terminated: enough' })
      expect(await hook(['--ask'])).toMatchObject({ code: 2 })
      expect((await show()).control).toMatchObject({ kind: 'terminate', state: 'done' })
    })

    it('asks about its tool call, and obeys the answer', async () => {
      await begin({ status: 'working' })
      const deploying = hook(['--ask'], { input: JSON.stringify(toolCall('toolu_1', 'make deploy')) })
      expect(await question()).toMatchObject({
        request_id: expect.stringMatching(/^hook-toolu_1-[0-9a-f]{64}$/),
        message: 'May I use Bash?',
        tool_call: { id: 'toolu_1', name: 'Bash', arguments: { command: 'make deploy' } },
        expires_at: expect.any(String),
      })
      expect(await show()).toMatchObject({ status: 'waiting', open_requests: 1 })
      await answer({ status: 'resolved', note: 'After the backup' })
      expect(await deploying).toEqual({ code: 0, stdout: 'After the backup', stderr: '' })

      const large = toolCall('toolu_2', 'x'.repeat(50_000))
      const dropping = hook(['--ask', '--message', 'Drop it?'], { input: JSON.stringify(large) })
      expect(await question()).toMatchObject({ message: 'Drop it?', tool_call: { name: 'Bash' } })
      await answer({ status: 'cancelled', note: 'Keep the table' })
      expect(await dropping).toMatchObject({ code: 2, stderr: 'signalbox: Refused: Keep the table' })

      expect(await hook(['--ask', '--wait', '1s'], { input: 'no JSON' })).toMatchObject({
        ...{ code: 2, stderr: 'signalbox: No answer came within 1 s' },
      })
      // It has acknowledged its answers.
      expect(await show()).toMatchObject({ status: 'working', open_requests: 0, pending_signals: 0 })
    })

    it('asks about another call with the id of one that was answered, and not about the same again', async () => {
      await begin({ status: 'working' })
      const ask = (command: string, own: object = {}) =>
        hook(['--ask'], { input: JSON.stringify({ ...toolCall('0', command), ...own }) })
      const answered = async (asking: ReturnType<typeof hook>, status: string) => {
        await answer({ status })
        return (await asking).code
      }
      expect(await answered(ask('ls'), 'resolved')).toBe(0)
      expect((await ask('ls')).code).toBe(0)
      expect(await answered(ask('rm -rf /'), 'cancelled')).toBe(2)
      expect(await answered(ask('ls', { tool_name: 'Unlist' }), 'cancelled')).toBe(2)
      // Beyond what people are shown.
      const long = 'x'.repeat(50_000)
      expect(await answered(ask(`${long} --dry-run`), 'resolved')).toBe(0)
      expect(await answered(ask(`${long} --for-real`), 'cancelled')).toBe(2)
    })

    describe('whose server goes away', () => {
      let proxy: TcpProxy
      let through: string[]
      beforeEach(async () => {
        proxy = await TcpProxy.to(url)
        through = ['--url', proxy.through(url)]
        await begin({ status: 'working' })
      })
      afterEach(() => proxy.close())
      /** More often than a call is repeated by itself. */
      const hasTriedAgain = () => eventually(() => proxy.refused > 3, 30_000)

      it('stands until it hears of the resume', async () => {
        await order('pause')
        const standing = hook([...through, '--wait', '5m'])
        await eventually(isDone('pause'), 30_000)
        proxy.cut()
        await hasTriedAgain()
        await order('resume')
        proxy.heal()
        expect(await standing).toEqual({ code: 0, stdout: '', stderr: '' })
      })

      it('hears the answer that came in the meantime', async () => {
        const input = JSON.stringify(toolCall('toolu_4', 'make deploy'))
        const asking = hook([...through, '--ask', '--wait', '5m'], { input })
        await question()
        proxy.cut()
        await hasTriedAgain()
        await answer({ status: 'resolved', note: 'Go' })
        proxy.heal()
        expect(await asking).toEqual({ code: 0, stdout: 'Go', stderr: '' })
      })

      it.each([
        ['a pause', [], 'Agent is paused: fog'],
        ['a question', ['--ask'], 'No answer came within 6 s'],
      ])('is blocked by %s that it knows of, also where it was said to go ahead', async (_, own, reason) => {
        if (own.length === 0) await order('pause', { reason: 'fog' })
        const args = [...through, '--wait', '6s', '--unreachable', 'allow', ...own]
        const standing = hook(args, { input: JSON.stringify(toolCall('toolu_5', 'make deploy')) })
        await (own.length === 0 ? eventually(isDone('pause'), 30_000) : question())
        proxy.cut()
        expect(await standing).toMatchObject({ code: 2, stderr: containing(reason) })
      })
    })

    it('is blocked by whatever fails, and let through only where it was said so', async () => {
      await begin()
      const away = `http://127.0.0.1:${await freePort()}`
      const allow = ['--unreachable', 'allow']
      expect(await hook(['--url', away])).toMatchObject({ code: 2, stderr: containing('cannot be reached') })
      expect(await hook(['--url', away, ...allow])).toMatchObject({
        ...{ code: 0, stderr: containing('the agent goes ahead without it') },
      })
      const wrong = { env: { SIGNALBOX_TOKEN: 'sba_wrong' } }
      expect(await hook(allow, wrong)).toMatchObject({ code: 2, stderr: containing('AUTH_003') })
      expect(await hook(['--agent', 'Ada'])).toMatchObject({ code: 2, stderr: containing('--agent') })
      const { key } = await addKey(fleet.rest, { role: 'runtime', project_id: fleet.project_id })
      expect((await hook([], { env: { SIGNALBOX_TOKEN: key } })).code).toBe(2)
      const named = { SIGNALBOX_TOKEN: key, SIGNALBOX_AGENT_ID: agent.id }
      expect((await hook([], { env: named })).code).toBe(0)
    })

    it('has settings for Claude Code in the documents, whose hooks end before their timeout', async () => {
      await begin()
      const folder = mkdtempSync(join(tmpdir(), 'signalbox-hook-'))
      const program = join(folder, 'signalbox')
      writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`)
      chmodSync(program, 0o755)
      type Hook = { type: string; command: string; timeout: number }
      const { hooks } = JSON.parse(blockOf('json')) as {
        hooks: { PreToolUse: { matcher: string; hooks: Hook[] }[] }
      }
      const all = hooks.PreToolUse.flatMap((entry) => entry.hooks)
      const run = async ({ command, timeout }: Hook) => {
        expect(timeout).toBeGreaterThan(Number(/--wait (\d+)h/.exec(command)?.[1]) * 3_600)
        const PATH = `${folder}:${process.env.PATH}`
        const child = spawnProcess('sh', ['-c', command], { env: { ...cli.env, ...env, PATH } })
        child.stdin.end(JSON.stringify(toolCall('toolu_3', 'npm test')))
        const exited = codeOf(child)
        return { code: await exited, stderr: await text(child.stderr) }
      }
      // Claude Code runs all that match at once.
      const running = Promise.all(all.map(run))
      await answer({ status: 'resolved' })
      expect(await running).toEqual(all.map(() => ({ code: 0, stderr: '' })))
      rmSync(folder, { recursive: true })
    })
  })

  it.skipIf(!curl)('reports, asks, waits and obeys with the shell script of the documents', async () => {
    await begin()
    const child = spawnProcess('sh', ['-c', blockOf('sh')], {
      env: {
        ...{ PATH: process.env.PATH, SIGNALBOX_URL: url, ...env },
        ...{ SIGNALBOX_PROJECT: fleet.project_id, SIGNALBOX_AGENT_ID: agent.id },
      },
    })
    const printed = Promise.all([text(child.stdout), text(child.stderr), codeOf(child)])
    expect(await question()).toMatchObject({ request_id: 'import-42', message: 'Import 42 files?' })
    expect(await show()).toMatchObject({ status: 'waiting', current_task: 'nightly import' })
    await answer({ status: 'resolved' })
    await eventually(async () => (await show()).tasks_completed > 0)
    await order('pause')
    await eventually(isDone('pause'))
    await order('resume')
    await eventually(isDone('resume'))
    await fleet.rest.delete(path)
    await eventually(isDone('terminate'))
    const [stdout, stderr, code] = await printed
    const lines = ['import: resolved', 'answer', 'pause', 'resume', 'terminate', '']
    expect({ stdout, stderr, code }).toEqual({ stdout: lines.join('\n'), stderr: '', code: 0 })
    expect((await show()).pending_signals).toBe(0)
  })
})

function codeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve))
}
