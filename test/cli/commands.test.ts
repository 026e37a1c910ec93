import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/app.ts'
import { createProgram } from '#src/cli/program.ts'
import { type Api, type BulkResult, createApi, type Page } from '#src/client/rest.ts'
import { admin, backends, startApp } from '../support/backends.ts'
import { CliUser, reader } from '../support/cli-process.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import { unique } from '../support/rest.ts'
import { eventually } from '../support/stage.ts'

const password = 'a long password'
const done = (stdout: unknown) => ({ code: 0, stdout, stderr: '' })
const containing = (text: string) => expect.stringContaining(text)

describe.each(backends.slice(0, 1))('the command line', (backend) => {
  let app: App
  let url: string
  /** Signed in, as the superuser, with a project and a type to spawn from. */
  let cli: CliUser
  /** For what is no test of the command line itself. */
  let api: Api
  let project_id: string
  let agent_type_id: string
  const slug = unique('line')
  const type = unique('driver')

  const spawn = (name: string) => api.agents.spawn(project_id, { agent_type_id, name })

  beforeAll(async () => {
    app = await startApp(await backend.config())
    url = `http://127.0.0.1:${(await app.listen()).port}`
    cli = await CliUser.signedIn({ SIGNALBOX_URL: url, SIGNALBOX_PROJECT: slug })
    const { access_token: token } = await createApi({ url }).auth.login(admin)
    api = createApi({ url, token })
    project_id = (await api.projects.create({ slug, name: 'North Line' })).id
    agent_type_id = (await api.agentTypes.create({ slug: type, name: 'Driver' })).id
  })
  afterAll(async () => {
    cli.remove()
    await app.stop()
  })

  describe('of projects, types, users, members, keys and webhooks', () => {
    it('lists, shows, changes and deletes projects', async () => {
      const other = unique('other')
      await cli.json('projects', 'create', other)
      const { stdout } = await cli.run(['projects', 'list', '--all'])
      expect(stdout).toContain(other)
      expect(stdout).toContain('North Line')
      const changed = await cli.run(['projects', 'update', other, '--name', 'Renamed'])
      expect(changed).toEqual(done(containing('Renamed')))
      expect((await cli.run(['projects', 'get', other])).stdout).toContain('Renamed')
      expect(await cli.run(['projects', 'delete', other])).toMatchObject({
        code: 2,
        stderr: containing('--yes'),
      })
      expect(await cli.run(['projects', 'delete', other, '--yes'])).toEqual(
        done('The project has been deleted'),
      )
      expect(await cli.run(['projects', 'get', other])).toMatchObject({ code: 1, stderr: containing(slug) })
    })

    it('lists and deactivates types', async () => {
      const other = unique('type')
      await cli.json('types', 'create', other)
      expect((await cli.run(['types', 'deactivate', other])).code).toBe(0)
      expect((await cli.run(['types', 'list'])).stdout).toMatch(new RegExp(`${other} +${other} +no`))
    })

    it('creates users with a password from stdin, makes them members, and changes them', async () => {
      const email = `${unique('user')}@example.org`
      const created = await cli.run(['users', 'create', email, '--password-stdin'], { input: password })
      expect(created).toEqual(done(containing(email)))
      expect((await cli.run(['members', 'set', email, '--role', 'viewer'])).stdout).toBe(
        `${email} is viewer now`,
      )
      expect((await cli.run(['members', 'list'])).stdout).toContain(email)
      expect((await cli.run(['members', 'remove', email])).code).toBe(0)
      expect((await cli.run(['users', 'update', email, '--active', 'no'])).code).toBe(0)
      expect((await cli.run(['users', 'list'])).stdout).toMatch(new RegExp(`${email} +no +no`))
    })

    it('makes a key that works alone, and revokes it', async () => {
      const made = await cli.run(['keys', 'create', 'deploy', '--role', 'viewer', '--expires-in', '1d'])
      expect(made).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^sbx_\S+$/),
        stderr: containing('once'),
      })
      const program = new CliUser({ SIGNALBOX_URL: url, SIGNALBOX_TOKEN: made.stdout })
      expect((await program.json<Page<unknown>>('projects', 'list')).data).not.toEqual([])
      expect((await cli.run(['keys', 'list'])).stdout).toMatch(/deploy +viewer +all of yours/)
      expect((await cli.run(['keys', 'revoke', 'deploy'])).code).toBe(0)
      expect(await program.run(['projects', 'list'])).toMatchObject({
        code: 3,
        stderr: containing('AUTH_003'),
      })
      program.remove()
    })

    it('makes a webhook, shows its secret once, changes, rotates and deletes it', async () => {
      const [from, to] = ['https://example.org/hook', 'https://example.org/new']
      const made = await cli.run(['webhooks', 'create', from, '--events', 'agent.terminated'])
      const secret = expect.stringMatching(/^whsec_\S+$/)
      expect(made).toMatchObject({ code: 0, stdout: secret, stderr: containing('once') })
      expect((await cli.run(['webhooks', 'list'])).stdout).toMatch(/hook +active +agent.terminated +0/)
      const changed = await cli.run(['webhooks', 'update', from, '--to', to, '--events', 'all', '--disable'])
      expect(changed).toEqual(done(expect.stringMatching(/new\nstate +disabled .*\nevents +all/)))
      expect(await cli.json('webhooks', 'update', to, '--enable')).toMatchObject({ is_active: true, url: to })
      const rotated = await cli.run(['webhooks', 'rotate', to])
      expect(rotated).toMatchObject({ code: 0, stdout: secret })
      expect(rotated.stdout).not.toBe(made.stdout)
      const wrong = await cli.run(['webhooks', 'update', to, '--events', 'agent.lost'])
      expect(wrong).toMatchObject({ code: 2, stderr: containing('agent.lost') })
      expect(await cli.run(['webhooks', 'delete', to])).toEqual(done('The webhook has been deleted'))
      expect(await cli.run(['webhooks', 'delete', to])).toMatchObject({ code: 1 })
    })
  })

  describe('of agents', () => {
    it('spawns, lists, shows, pauses, resumes and terminates one by its name', async () => {
      const limits = ['--token-limit', '900', '--cost-limit', '2.5']
      await cli.json('agents', 'spawn', 'Grace', '--type', type, '--task', 'shunting', ...limits)
      const { stdout } = await cli.run(['agents', 'get', 'Grace'])
      expect(stdout).toMatch(/^name +Grace\nstatus +idle$/m)
      expect(stdout).toContain('0 of 900')
      const paused = await cli.run(['agents', 'pause', 'Grace', '--for', '10m', '--reason', 'tea'])
      expect(paused).toEqual(done('Grace is paused'))
      const listed = await cli.run(['agents', 'list', '--status', 'paused', '--search', 'grace'])
      expect(listed.stdout).toMatch(/^NAME +STATUS .*\nGrace +paused .*pause pending/)
      const again = await cli.run(['agents', 'pause', 'Grace'])
      expect(again).toMatchObject({ code: 1, stderr: containing('from paused to paused (VAL_001)') })
      expect(await cli.run(['agents', 'resume', 'Grace'])).toEqual(done('Grace is resumed'))
      expect(await cli.run(['agents', 'terminate', 'Grace'])).toMatchObject({
        code: 2,
        stderr: containing('--yes'),
      })
      expect(await cli.run(['agents', 'terminate', 'Grace', '--yes'])).toEqual(done(containing('terminated')))
    })

    it('does many at once, and says which could not take it', async () => {
      const [one, two] = [await spawn('Many One'), await spawn('Many Two')]
      await api.agents.pause(project_id, two.id)
      const paused = await cli.run(['agents', 'pause', '-'], { input: `${one.id}\nMany Two\n` })
      expect(paused).toMatchObject({ code: 1, stdout: '1 agent paused, 1 left out' })
      expect(paused.stderr).toContain('Many Two: Cannot transition from paused to paused')
      const resumed = await cli.json<BulkResult>('agents', 'resume', '--all', '--status', 'paused')
      expect(resumed.affected_count).toBeGreaterThanOrEqual(2)
      expect((await api.agents.get(project_id, one.id)).status).toBe('idle')
      const ended = await cli.run(['agents', 'terminate', '--yes', one.id, two.id])
      expect(ended).toEqual(done('2 agents terminated'))
    })

    it('waits until runtimes have obeyed', async () => {
      const agents = [await spawn('Obedient'), await spawn('Alone')]
      const { token } = await cli.json<{ token: string }>('token', 'Obedient', '--expires-in', '1h')
      const runtime = new ObedientRuntime(
        [`${url.replace('http', 'ws')}/api/v1/ws`],
        token,
        `${agents[0]?.id}`,
      )
      runtime.start()
      await eventually(async () => runtime.isAttached)
      const paused = await cli.run(['agents', 'pause', 'Obedient', 'Alone', '--wait'])
      expect(paused).toEqual(done('2 agents paused, 1 obeyed, 1 have no runtime connected'))
      expect(runtime.applied).toBe('paused')
      const sent = await cli.run(['agents', 'message', 'Obedient', 'the 07:12 is late'])
      expect(sent).toEqual(done(containing('Sent as signal')))
      await eventually(async () => runtime.messages.length === 1)
      runtime.stop()
    })

    it('needs an id where a name is not enough', async () => {
      const twins = [await spawn('Twin'), await spawn('Twin')]
      const { code, stderr } = await cli.run(['agents', 'pause', 'Twin'])
      expect(code).toBe(1)
      for (const { id } of twins) expect(stderr).toContain(id)
      await api.agents.terminate(project_id, `${twins[0]?.id}`)
      expect((await cli.run(['agents', 'terminate', '--yes', 'Twin'])).code).toBe(0)
    })

    it.each([
      ['lines of JSON', ['--json'], '"type":"reset"', '"name":"agent.spawned"'],
      ['lines of text', [], 'as of event', 'agent.spawned Watched'],
    ])('watches in %s', async (_, options, first, second) => {
      const child = cli.start(['agents', 'watch', ...options])
      const exited = new Promise((resolve) => child.once('exit', resolve))
      const until = reader(child)
      await until(first)
      await Promise.all([until(second), spawn('Watched')])
      child.kill('SIGINT')
      expect(await exited).toBe(0)
    })
  })

  it('says who is signed in, and ends the session', async () => {
    const user = await CliUser.signedIn({ SIGNALBOX_URL: url })
    expect(await user.run(['whoami'])).toEqual(done(containing(admin.email)))
    expect(await user.run(['logout'])).toEqual(done(`Signed out of ${url}`))
    user.remove()
  })

  describe('that starts servers', () => {
    const env = { DATA_DIR: 'memory://', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }

    it('serves until it is told to stop', async () => {
      const child = cli.start(['serve', '--port', '0'], { env })
      const exited = new Promise((resolve) => child.once('exit', resolve))
      const origin = /"url":"([^"]+)"/.exec(await reader(child)('listens on'))?.[1]
      expect((await fetch(`${origin}/readyz`)).status).toBe(200)
      child.kill('SIGTERM')
      expect(await exited).toBe(0)
    })

    it('brings a database up to date', async () => {
      const { code, stdout } = await cli.run(['migrate'], { env })
      expect({ code, stdout }).toEqual({ code: 0, stdout: containing('migrations are done') })
      const wrong = await cli.run(['migrate'], { env: { ...env, PORT: 'x' } })
      expect(wrong).toMatchObject({ code: 1, stderr: containing('PORT') })
    })

    it('gives the projects of a restored database a new epoch', async () => {
      // A database by a name that is mistyped has no projects.
      expect(await cli.run(['epoch', 'bump'], { env })).toMatchObject({
        code: 1,
        stderr: containing('no project'),
      })
      const unknown = ['epoch', 'bump', '--project', '0193a1b2-0000-7000-8000-000000000002']
      expect(await cli.run(unknown, { env })).toMatchObject({ code: 1, stderr: containing('not found') })
      const wrong = await cli.run(['epoch', 'bump', '--project', 'line'], { env })
      expect(wrong).toMatchObject({ code: 2, stderr: containing('--project') })
    })

    it('refuses a demo on a port that nobody knows', async () => {
      expect(await cli.run(['demo'], { env: { ...env, PORT: '0' } })).toMatchObject({ code: 1 })
    })

    it('prints completion', async () => {
      expect((await cli.run(['completion', 'bash'])).stdout).toContain('complete -F _signalbox signalbox')
      expect((await cli.run(['completion', 'csh'])).code).toBe(2)
    })
  })

  it('was run here with every command that there is', () => {
    const paths = createProgram().commands.flatMap((group) =>
      group.commands.length === 0
        ? [group.name()]
        : group.commands.map((command) => `${group.name()} ${command.name()}`),
    )
    const { commands } = CliUser
    expect(paths.filter((path) => !commands.some((command) => command.startsWith(path)))).toEqual([])
  })
})
