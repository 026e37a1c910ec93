import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { assertSupported } from '#src/cli/commands/run.ts'
import { LastLine } from '#src/cli/run/last-line.ts'
import { type ListProcesses, listFromPs, listProcesses } from '#src/cli/run/processes.ts'
import { createApi } from '#src/client/rest/rest.ts'
import { cliMain } from '../support/cli-process.ts'
import { eventually } from '../support/eventually.ts'
import { unique } from '../support/rest.ts'
import { isAlive, RunStage, statOf } from '../support/run-stage.ts'

/** Uses the processor without end, in a child in its own group and in one in its own session, too. */
const busy = `
import os
if os.fork() == 0: os.setpgid(0, 0)
elif os.fork() == 0: os.setsid()
print('busy', flush=True)
while True: pass`
const stubborn = `
import signal, time, os
os.fork()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('deaf', flush=True)
while True: time.sleep(60)`

/** A terminal around a program, whose standard input is what is typed. */
const terminal = [
  'python3',
  '-c',
  'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))',
]

const { python } = inject('programs')

/** What the tests read of processes is in /proc. */
describe.skipIf(!python || process.platform !== 'linux')('signalbox run', () => {
  let stage: RunStage
  beforeAll(async () => {
    stage = await RunStage.start()
  })
  afterEach(() => stage.clear())
  afterAll(() => stage.stop())

  const cpuOf = (pids: readonly number[]) => pids.map((pid) => statOf(pid)?.cpu ?? 0)

  it('shows the command as working, passes its streams, and ends with its exit code', async () => {
    const name = unique('ada')
    const script = 'echo out; echo err >&2; read line; echo "got $line"; env | grep ^SIGNALBOX; exit 3'
    const running = stage.run(name, ['--label', 'team=search'], ['sh', '-c', script])
    const { id } = await stage.agent(name, ({ status }) => status === 'working')
    running.child.stdin.write('a line\n')
    expect(await running.code).toBe(3)
    expect(running.stdout).toMatch(/^out\ngot a line\n/)
    expect(running.stderr).toBe('err\n')
    expect(await stage.agent(name, ({ status }) => status === 'terminated')).toMatchObject({
      current_task: 'exit code 3',
      labels: { team: 'search' },
      control: { kind: 'terminate', cause: { kind: 'runtime' } },
    })
    const variable = (of: string) => new RegExp(`^SIGNALBOX_${of}=(.*)$`, 'm').exec(running.stdout)?.[1]
    const { origin: url } = stage.server
    expect([variable('URL'), variable('AGENT_ID'), variable('PROJECT')]).toEqual([url, id, stage.project_id])
    const own = createApi({ url, token: variable('TOKEN') })
    expect(await own.agents.get(stage.project_id, id)).toMatchObject({ id })
    await expect(own.projects.get(stage.project_id)).rejects.toMatchObject({ status: 403 })
  })

  it('stops every process of a paused command, and continues them', async () => {
    const name = unique('bob')
    const running = stage.run(name, [], ['python3', '-c', busy])
    await eventually(() => running.stdout.split('busy').length === 4)
    const pids = await stage.below(running, 3)
    const agent = await stage.agent(name, ({ status }) => status === 'working')
    const before = cpuOf(pids)
    await stage.order('pause', agent)
    expect(pids.map((pid) => statOf(pid)?.state)).toEqual(['T', 'T', 'T'])
    const stopped = cpuOf(pids)
    // Less than a second of the processor since the order, in hundredths.
    for (const [n, cpu] of stopped.entries()) expect(cpu - (before[n] ?? 0)).toBeLessThan(100)
    // Whoever continues one of them is overruled.
    process.kill(pids[1] ?? 0, 'SIGCONT')
    await eventually(() => statOf(pids[1] ?? 0)?.state === 'T')
    expect([cpuOf(pids)[0], cpuOf(pids)[2]]).toEqual([stopped[0], stopped[2]])
    await stage.order('resume', agent)
    await eventually(() => cpuOf(pids).every((cpu, n) => cpu > (stopped[n] ?? 0)))
    expect(await stage.agent(name, ({ status }) => status !== 'idle')).toMatchObject({ status: 'working' })
    await stage.order('pause', agent)
    await stage.api.agents.terminate(stage.project_id, agent.id)
    expect(await running.code).toBe(143)
    expect(pids.filter(isAlive)).toEqual([])
    await stage.obeyed(agent.id, 'terminate')
  })

  it('kills a command that ignores SIGTERM, after the grace or at once', async () => {
    for (const [mode, grace] of [
      ['graceful', '1s'],
      ['now', '1h'],
    ] as const) {
      const name = unique('carl')
      const running = stage.run(name, ['--grace', grace], ['python3', '-c', stubborn])
      await eventually(() => running.stdout.split('deaf').length === 3)
      const pids = await stage.below(running, 2)
      const { id } = await stage.agent(name, ({ status }) => status === 'working')
      await stage.api.agents.terminate(stage.project_id, id, {}, { mode })
      expect(await running.code).toBe(137)
      expect(pids.filter(isAlive)).toEqual([])
      await stage.obeyed(id, 'terminate')
    }
  })

  it('lets a terminated command clean up with programs of its own', async () => {
    const [name, cleanUp] = [unique('cleo'), 'sleep 0.3 && echo saved; exit 0']
    const script = `trap '${cleanUp}' TERM; echo ready; while :; do sleep 0.1; done`
    const running = stage.run(name, [], ['bash', '-c', script])
    await eventually(() => running.stdout.includes('ready'))
    const { id } = await stage.agent(name, ({ status }) => status === 'working')
    await stage.api.agents.terminate(stage.project_id, id)
    expect(await running.code).toBe(0)
    expect(running.stdout).toBe('ready\nsaved\n')
  })

  it('starts a command that fails again, and not after a terminate', async () => {
    const [name, file] = [unique('dora'), join(stage.folder, 'starts')]
    const script = `echo x >> ${file}; test $(wc -l < ${file}) -ge 2 && exit 0; exit 7`
    expect(await stage.run(name, ['--restart'], ['sh', '-c', script]).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe('x\nx\n')
    writeFileSync(file, '')
    const other = unique('dora')
    const failing = stage.run(other, ['--restart'], ['sh', '-c', `echo x >> ${file}; exit 7`])
    const { id, status } = await stage.agent(other, ({ current_task }) =>
      /starts again in 2 s/.test(current_task ?? ''),
    )
    expect(status).toBe('idle')
    await stage.api.agents.terminate(stage.project_id, id)
    expect(await failing.code).toBe(143)
    expect(readFileSync(file, 'utf8')).toBe('x\nx\n')
    await stage.obeyed(id, 'terminate')
  })

  it('does not start the command of a paused agent before the resume, nor that of a terminated one', async () => {
    const [name, file] = [unique('emil'), join(stage.folder, 'emil')]
    const { id: agent_type_id } = await stage.api.agentTypes.get((await firstType()).id)
    const spawned = { agent_type_id, name, external_id: name, status: 'paused' } as const
    const { id } = await stage.api.agents.spawn(stage.project_id, spawned)
    const running = stage.run(name, [], ['sh', '-c', `echo x >> ${file}; cat`])
    await stage.agent(name, ({ runtime }) => runtime.connected)
    await stage.order('resume', await stage.agent(name, () => true))
    await stage.agent(name, ({ status }) => status === 'working')
    expect(running.stderr).toBe('')
    await stage.api.agents.terminate(stage.project_id, id)
    expect(await running.code).toBe(143)
    const refused = stage.run(name, [], ['sh', '-c', `echo y >> ${file}`])
    expect(await refused.code).toBe(1)
    expect(refused.stderr).toMatch(
      /^signalbox: The agent "emil-.*" was terminated by an operator, so the command was not/,
    )
    expect(readFileSync(file, 'utf8')).toBe('x\n')
  })

  const firstType = async () => {
    const { data } = await stage.api.agentTypes.list({ limit: 100 })
    return data.find(({ slug }) => slug === stage.type) as { id: string }
  }

  it('runs on while the server is away, and is controlled again when it is back', async () => {
    const count = `
import time
n = 0
while True:
  print(n, flush=True)
  n += 1
  time.sleep(0.02)`
    const name = unique('finn')
    const running = stage.run(name, [], ['python3', '-c', count])
    await stage.agent(name, ({ status }) => status === 'working')
    await stage.server.end('SIGKILL')
    const careful = unique('gina')
    const stopped = stage.run(careful, ['--require-link', '1s'], ['python3', '-c', count])
    const [pid = 0] = await stage.below(stopped, 1)
    await eventually(() => statOf(pid)?.state === 'T')
    const before = Number(running.stdout.trim().split('\n').at(-1))
    await stage.restart()
    for (const one of [name, careful])
      await stage.agent(one, (agent) => agent.runtime.connected && agent.status === 'working')
    await eventually(() => statOf(pid)?.state !== 'T')
    await stage.order('pause', await stage.agent(name, () => true))
    const lines = running.stdout.trim().split('\n')
    expect(lines).toEqual(lines.map((_, n) => String(n)))
    expect(Number(lines.at(-1))).toBeGreaterThan(before)
  })

  it('starts a command without a server, which then gets no token', async () => {
    const away = { SIGNALBOX_URL: 'http://127.0.0.1:1' }
    const running = stage.run(unique('hugo'), [], ['sh', '-c', 'echo "$SIGNALBOX_TOKEN."; exit 4'], {
      env: away,
    })
    expect(await running.code).toBe(4)
    expect(running.stdout).toBe('.\n')
    expect(running.stderr).toMatch(/^signalbox: The server cannot be reached: .*: the command runs on/)
  })

  it('passes Ctrl-C on to the command, and stands still with it after Ctrl-Z', async () => {
    const program = `
import os, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(5))
print('terminal' if os.isatty(0) and os.isatty(1) else 'pipe', flush=True)
time.sleep(60)`
    const running = stage.run(unique('ines'), [], ['python3', '-c', program], { wrapper: terminal })
    await eventually(() => running.stdout.includes('terminal'))
    const [own = 0, pid = 0] = await stage.below(running, 2)
    const states = () => [own, pid].map((one) => statOf(one)?.state)
    running.child.stdin.write('\x1a')
    await eventually(() => states().every((state) => state === 'T'))
    process.kill(own, 'SIGCONT')
    await eventually(() => states().every((state) => state === 'S'))
    running.child.stdin.write('\x03')
    expect(await running.code).toBe(5)
  })

  it('shows the last line of output, and is ended by its own SIGTERM with the command', async () => {
    const name = unique('jana')
    const script =
      'printf "page 1\\n\\033[1mpage 2\\033[0m\\n\\n"; trap "echo bye >&2; exit 6" TERM; sleep 60 & wait'
    const running = stage.run(name, ['--last-line', '--restart'], ['sh', '-c', script])
    await stage.agent(name, ({ current_task }) => current_task === 'page 2')
    running.child.kill('SIGTERM')
    expect(await running.code).toBe(6)
    expect(running.stdout).toBe('page 1\n\x1b[1mpage 2\x1b[0m\n\n')
    expect(await stage.agent(name, ({ status }) => status === 'terminated')).toMatchObject({
      current_task: 'exit code 6: bye',
    })
  })

  it('makes agents that a command runs its children, and ends them with it', async () => {
    const [above, below] = [unique('kurt'), unique('lena')]
    const inner = ['run', '--name', below, '--external-id', below, '--type', stage.type, '--', 'sleep', '60']
    const running = stage.run(above, [], [process.execPath, cliMain, ...inner])
    const child = await stage.agent(below, ({ status }) => status === 'working')
    const parent = await stage.agent(above, ({ id }) => id === child.parent_id)
    const pids = await stage.below(running, 2)
    await stage.order('pause', parent)
    expect(pids.map((pid) => statOf(pid)?.state)).toEqual(['T', 'T'])
    await stage.order('resume', parent)
    await stage.obeyed(child.id, 'resume')
    await stage.api.agents.terminate(stage.project_id, parent.id)
    expect(await running.code).toBe(143)
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('says what it cannot run', async () => {
    const missing = stage.run(unique('karl'), ['--restart'], ['no-such-program'])
    expect(await missing.code).toBe(127)
    expect(missing.stderr).toBe('signalbox: exit code 127: no-such-program: command not found\n')
    const unknown = stage.run(unique('karl'), ['--type', 'no-such-type'], ['true'])
    expect(await unknown.code).toBe(1)
    expect(unknown.stderr).toMatch(/^signalbox: The server has nothing with this id: .*no-such-type/)
    expect(() => assertSupported('win32')).toThrow('Windows cannot stop and continue the processes')
  })
})

describe('the list of processes', () => {
  it('is the same from ps, which systems without /proc have', async () => {
    const find = async (list: ListProcesses) => (await list()).find(({ pid }) => pid === process.pid)
    const [here, there] = [await find(listProcesses), await find(listFromPs)]
    const { pid, parent, group, state } = here ?? {}
    expect(there).toMatchObject({ pid, parent, group, state })
  })
})

describe('the last line of an output', () => {
  it.each([
    [['one\ntwo'], 'two'],
    [['one\n', '  \n\n'], 'one'],
    [['10 %\r20 %\r'], '20 %'],
    [['gr', 'een\u001b[', '0m \tlight\n'], 'green light'],
    [[`${'x'.repeat(100_000)}\nend`], 'end'],
    [['y'.repeat(10_000)], 'y'.repeat(500)],
  ])('of %j is found', (chunks, text) => {
    const line = new LastLine()
    for (const chunk of chunks) line.add(Buffer.from(chunk))
    expect(line.text).toBe(text)
  })
})
