import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runAgent } from '#src/client/agent/run-agents.ts'
import {
  type Agent,
  type AgentMetrics,
  type Api,
  type Budget,
  type BulkResult,
  createApi,
  type Hold,
  type Page,
  type UsageReport,
} from '#src/client/rest/rest.ts'
import type { App } from '#src/server/app.ts'
import { admin, backends, startApp } from '../support/backends.ts'
import { CliUser, listUnused, reader } from '../support/cli-process.ts'
import { eventually } from '../support/eventually.ts'
import { ObedientRuntime } from '../support/obedient-runtime.ts'
import { unique } from '../support/rest.ts'

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

  const adminToken = async () => (await createApi({ url }).auth.login(admin)).access_token
  const spawn = (name: string) => api.agents.spawn(project_id, { agent_type_id, name })

  beforeAll(async () => {
    app = await startApp(await backend.config())
    url = `http://127.0.0.1:${(await app.listen()).port}`
    cli = await CliUser.signedIn({ SIGNALBOX_URL: url, SIGNALBOX_PROJECT: slug })
    api = createApi({ url, token: await adminToken() })
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
        `${email} is now viewer`,
      )
      expect((await cli.run(['members', 'list'])).stdout).toContain(email)
      expect((await cli.run(['members', 'remove', email, '--yes'])).code).toBe(0)
      expect((await cli.run(['users', 'update', email, '--active', 'no'])).code).toBe(0)
      expect((await cli.run(['users', 'list'])).stdout).toMatch(new RegExp(`${email} +no +no`))
    })

    it('creates a key that works without a login, and revokes it', async () => {
      const made = await cli.run(['keys', 'create', 'deploy', '--role', 'viewer', '--expires-in', '1d'])
      expect(made).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^sbx_\S+$/),
        stderr: containing('once'),
      })
      const program = new CliUser({ SIGNALBOX_URL: url, SIGNALBOX_TOKEN: made.stdout })
      expect((await program.json<Page<unknown>>('projects', 'list')).data).not.toEqual([])
      expect((await cli.run(['keys', 'list'])).stdout).toMatch(/deploy +viewer +all of yours/)
      expect(await cli.run(['keys', 'revoke', 'deploy'])).toMatchObject({
        code: 2,
        stderr: containing('Revoke the key deploy?'),
      })
      expect((await cli.run(['keys', 'revoke', 'deploy', '--yes'])).code).toBe(0)
      expect(await program.run(['projects', 'list'])).toMatchObject({
        code: 3,
        stderr: containing('AUTH_003'),
      })
      program.remove()
    })

    it('creates a webhook, shows its secret once, changes, rotates and deletes it', async () => {
      const [from, to] = ['https://example.org/hook', 'https://example.org/new']
      const made = await cli.run(['webhooks', 'create', from, '--events', 'agent.terminated'])
      const secret = expect.stringMatching(/^whsec_\S+$/)
      expect(made).toMatchObject({ code: 0, stdout: secret, stderr: containing('once') })
      expect((await cli.run(['webhooks', 'list'])).stdout).toMatch(/hook +active +agent.terminated +0/)
      const changed = await cli.run(['webhooks', 'update', from, '--to', to, '--events', 'all', '--disable'])
      expect(changed).toEqual(done(expect.stringMatching(/new\nstate +disabled .*\nevents +all/)))
      expect(await cli.json('webhooks', 'update', to, '--enable')).toMatchObject({ is_active: true, url: to })
      const local = (await cli.json<{ id: string }>('webhooks', 'create', 'http://localhost:9/')).id
      const tested = await cli.run(['webhooks', 'test', local])
      expect(tested).toMatchObject({ code: 1, stdout: 'Not delivered: The address is not allowed' })
      expect((await cli.run(['webhooks', 'delete', local, '--yes'])).code).toBe(0)
      const rotated = await cli.run(['webhooks', 'rotate', to])
      expect(rotated).toMatchObject({ code: 0, stdout: secret })
      expect(rotated.stdout).not.toBe(made.stdout)
      const wrong = await cli.run(['webhooks', 'update', to, '--events', 'agent.lost'])
      expect(wrong).toMatchObject({ code: 2, stderr: containing('agent.lost') })
      expect(await cli.run(['webhooks', 'delete', to])).toMatchObject({
        code: 2,
        stderr: containing('--yes'),
      })
      const deleted = await cli.run(['webhooks', 'delete', to, '--yes'])
      expect(deleted).toEqual(done('The webhook has been deleted'))
      expect(await cli.run(['webhooks', 'delete', to, '--yes'])).toMatchObject({ code: 1 })
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
      expect(again).toMatchObject({ code: 1, stderr: 'signalbox: Grace is paused already' })
      const forPrograms = await cli.run(['agents', 'pause', 'Grace', '--json'])
      expect(JSON.parse(forPrograms.stderr).errors).toMatchObject([{ code: 'VAL_001', field: 'status' }])
      expect(await cli.run(['agents', 'resume', 'Grace'])).toEqual(done('Grace is resumed'))
      expect((await cli.run(['agents', 'resume', 'Grace'])).stderr).toBe('signalbox: Grace is not paused')
      expect(await cli.run(['agents', 'terminate', 'Grace'])).toMatchObject({
        code: 2,
        stderr: containing('--yes'),
      })
      expect(await cli.run(['agents', 'terminate', 'Grace', '--yes'])).toEqual(done(containing('terminated')))
    })

    it('acts on many agents at once, and names those that could not take the action', async () => {
      const [one, two] = [await spawn('Many One'), await spawn('Many Two')]
      await api.agents.pause(project_id, two.id)
      const paused = await cli.run(['agents', 'pause', '-'], { input: `${one.id}\nMany Two\n` })
      expect(paused).toMatchObject({ code: 1, stdout: '1 agent paused, 1 skipped' })
      expect(paused.stderr).toContain('Many Two is paused already')
      const resumed = await cli.json<BulkResult>('agents', 'resume', '--all', '--status', 'paused')
      expect(resumed.affected_count).toBeGreaterThanOrEqual(2)
      expect((await api.agents.get(project_id, one.id)).status).toBe('idle')
      const asked = await cli.run(['agents', 'terminate', '--all', '--status', 'idle'])
      expect(asked.stderr).toMatch(new RegExp(`Terminate \\d+ agents in North Line \\(${slug}\\)\\?`))
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
      expect(paused).toEqual(done('2 agents paused, 1 obeyed, 1 without a connected runtime'))
      expect(runtime.applied).toBe('paused')
      const sent = await cli.run(['agents', 'message', 'Obedient', 'the 07:12 is late'])
      expect(sent).toEqual(done(containing('Sent as signal')))
      await eventually(async () => runtime.messages.length === 1)
      runtime.stop()
    })

    it('finds agents by their labels and parents, counts them, and shows them as a tree', async () => {
      const team = unique('team')
      const more = ['--label', `team=${team}`, '--label', 'tier=gold', '--external-id', unique('job')]
      const lead = await cli.json<Agent>('agents', 'spawn', 'Lead', '--type', type, ...more)
      expect(lead).toMatchObject({ labels: { team, tier: 'gold' }, external_id: more.at(-1) })
      const child = await cli.json<Agent>('agents', 'spawn', 'Child', '--type', type, '--parent', 'Lead')
      expect(child.parent_id).toBe(lead.id)
      const labelled = await cli.run(['agents', 'label', 'Child', `team=${team}`, 'tier=silver', 'none-'])
      expect(labelled).toEqual(done(`Child has team=${team},tier=silver`))
      expect((await cli.run(['agents', 'label', 'Child', 'team-', 'tier-'])).stdout).toBe(
        'Child has no labels',
      )
      await cli.json('agents', 'label', 'Child', `team=${team}`)
      const shown = await cli.run(['agents', 'get', 'Child'])
      expect(shown.stdout).toMatch(new RegExp(`^labels +team=${team}\nparent +${lead.id}$`, 'm'))
      const named = async (...args: string[]) =>
        (await cli.json<Page<Agent>>('agents', 'list', ...args)).data.map(({ name }) => name)
      expect(await named('-l', `team=${team},tier notin (silver)`)).toEqual(['Child', 'Lead'])
      expect(await named('--selector', `team=${team},!tier`)).toEqual(['Child'])
      expect(await named('--parent', 'Lead')).toEqual(['Child'])
      const counted = await cli.run(['agents', 'metrics', '-l', `team=${team}`])
      expect(counted.stdout).toMatch(/^agents +2, 0 connected\nidle +2$/m)
      const summed = await cli.json<AgentMetrics>('agents', 'metrics', 'Lead', '--tree')
      expect(summed.total_instances).toBe(2)
      expect(await cli.run(['agents', 'tree', 'Lead'])).toEqual(
        done(expect.stringMatching(/^NAME +STATUS .*\nLead +idle .*\n└─ Child +idle /)),
      )
      const wrong = await cli.run(['agents', 'list', '-l', 'team='])
      expect(wrong.stdout).toMatch(/^NAME/)
      expect(await cli.run(['agents', 'list', '-l', 'team in gold'])).toMatchObject({
        ...{ code: 1, stderr: expect.stringMatching(/selector: .*position 9/) },
      })
    })

    it('adds up what they have used, with bars and as CSV', async () => {
      const { id: agent_id } = await spawn('Spender')
      const agent = await runAgent({ url, token: await adminToken(), agent_id })
      const report = [
        { model: 'large', input_tokens: 30, output_tokens: 10, cost_incurred: '0.3' },
        { model: 'small', tokens_used: 7, tasks_completed: 1, cost_incurred: '0.1' },
      ]
      await agent.report({ usage: report })
      await agent.close()
      const zone = ['--timezone', 'Asia/Kolkata']
      const { stdout } = await cli.run(['usage', '--by', 'model', ...zone])
      expect(stdout).toMatch(
        /^MODEL +TASKS +TOKENS +INPUT +OUTPUT +COST\nlarge +0 +40 +30 +10 +0.3000 +█{30}\nsmall +1 +7 +0 +0 +0.1000 +█{10}$/,
      )
      const days = await cli.run(['usage', '--since', '7d', ...zone])
      expect(days.stdout).toMatch(/^FROM +TASKS .*\n\d{4}-\d\d-\d\d 00:00 +1 +47 +30 +10 +0.4000 +█{30}$/)
      const { data } = await cli.json<UsageReport>('usage', '--bucket', 'hour', ...zone)
      expect(data).toMatchObject([{ bucket: expect.stringMatching(/:30:00.000Z$/), tokens_used: 47 }])
      const csv = await cli.run(['usage', '--csv', '--by', 'agent', '--bucket', 'month'])
      expect(csv.stdout).toMatch(new RegExp(`^bucket,group,.*\r\n.*,${agent_id},1,47,0.4000,30,10,0,0,0$`))
      expect(await cli.run(['usage', '-l', 'none'])).toEqual(done(containing('Nothing was used from ')))
      expect(await cli.run(['usage', '--by', 'colour'])).toMatchObject({
        code: 1,
        stderr: containing('group_by'),
      })
    })

    it('places, lists and releases holds', async () => {
      const team = unique('team')
      const { id } = await api.agents.spawn(project_id, { agent_type_id, name: 'Held', labels: { team } })
      const place = ['holds', 'place', '-l', `team=${team}`, '--type', type, '--for', '2h']
      const placed = await cli.run([...place, '--mode', 'interrupt', '--reason', team])
      expect(placed).toEqual(
        done(
          expect.stringMatching(/^reason +team-.*\nagents +type .*, team=.*\nmode +interrupt\npaused +1\n/),
        ),
      )
      expect((await cli.run(['agents', 'get', id])).stdout).toMatch(
        /control +pause \(interrupt\) pending, by a hold /,
      )
      expect(await cli.run(['agents', 'resume', id])).toMatchObject({
        code: 1,
        stderr: containing(`Agent is held: ${team}`),
      })
      expect((await cli.run(['holds', 'list'])).stdout).toMatch(
        new RegExp(`^REASON +AGENTS +PAUSED .*\n${team} `),
      )
      expect(await cli.run(['holds', 'show', 'another'])).toMatchObject({
        code: 1,
        stderr: 'signalbox: No active hold "another": use an id from "signalbox holds list"',
      })
      expect((await cli.run(['holds', 'show', team])).stdout).toContain(`team=${team}`)
      const released = await cli.run(['holds', 'release', team, '--over', '0s', '--yes'])
      expect(released).toMatchObject({ code: 0, stderr: '' })
      expect((await cli.run(['holds', 'list'])).stdout).not.toContain(team)
      expect((await cli.run(['holds', 'list', '--ended'])).stdout).toContain('released ')
      await expect.poll(async () => (await api.agents.get(project_id, id)).status).toBe('idle')
    })

    it('places a hold in every project', async () => {
      const team = unique('team')
      const hold = await cli.json<Hold>(
        'holds',
        'place',
        '--everywhere',
        '-l',
        `team=${team}`,
        '--reason',
        team,
      )
      expect((await cli.run(['holds', 'list', '--everywhere'])).stdout).toContain(team)
      expect((await cli.run(['holds', 'list'])).stdout).toContain(team)
      expect(await cli.run(['holds', 'release', '--everywhere', team, '--yes'])).toMatchObject({ code: 0 })
      expect((await cli.run(['holds', 'list', '--everywhere'])).stdout).not.toContain(hold.id)
    })

    it('sets budgets, and shows what is spent and was spent', async () => {
      const { id } = await api.agents.spawn(project_id, { agent_type_id, name: 'Buyer' })
      const [name, later] = [unique('team'), unique('team')]
      const zone = ['--window', 'day', '--timezone', 'Asia/Kolkata']
      const made = await cli.run([
        'budgets',
        'create',
        name,
        '--limit',
        '2',
        '--agent',
        'Buyer',
        ...zone,
        '--warn-at',
        '50%',
      ])
      expect(made).toEqual(
        done(expect.stringMatching(/\nspent +0.0000 of 2.0000 cost per day +░{20} 0%\nstate +ok\n/)),
      )
      await api.agents.update(project_id, id, { cost_incurred: '1.25' })
      expect((await cli.run(['budgets', 'list'])).stdout).toMatch(
        / 1.2500 of 2.0000 cost per day +█{12}░{8} 62% +warned /,
      )
      const changed = await cli.json<Budget>('budgets', 'update', name, '--limit', '1', '--name', later)
      expect(changed).toMatchObject({ limit: '1.0000', state: 'exceeded' })
      expect((await api.agents.get(project_id, id)).status).toBe('paused')
      expect((await cli.run(['budgets', 'show', later])).stdout).toContain('125%')
      expect(await cli.run(['budgets', 'windows', later])).toEqual(done(containing('FROM')))
      const tokens = await cli.json<Budget>(
        'budgets',
        'create',
        unique('team'),
        '--metric',
        'tokens',
        '--limit',
        '5',
        '--action',
        'notify',
      )
      expect(tokens).toMatchObject({ limit: 5, action: 'notify' })
      expect(await cli.run(['budgets', 'update', tokens.id, '--limit', '6'])).toMatchObject({ code: 0 })
      expect(await cli.run(['budgets', 'create', 'x', '--limit', 'much'])).toMatchObject({
        code: 1,
        stderr: containing('limit'),
      })
      expect(await cli.run(['budgets', 'delete', later, '--yes'])).toMatchObject({ code: 0 })
      expect((await api.agents.get(project_id, id)).status).toBe('idle')
    })

    it('gives orders to a whole tree or not, in a mode, and again', async () => {
      const team = unique('team')
      const labels = { team }
      const lead = await api.agents.spawn(project_id, { agent_type_id, name: 'Boss', labels })
      const child = { agent_type_id, name: 'Helper', parent_id: lead.id }
      await api.agents.spawn(project_id, child)
      const runtime = await runAgent({ url, token: await adminToken(), agent_id: lead.id })
      const [team_only, interrupt] = [
        ['--all', '-l', `team=${team}`],
        ['--mode', 'interrupt'],
      ]
      const paused = await cli.run(['agents', 'pause', ...team_only, '--for', '1h'])
      expect(paused).toEqual(done('2 agents paused'))
      expect((await cli.run(['agents', 'get', 'Helper'])).stdout).toContain(
        `pause pending, with its parent ${lead.id}`,
      )
      const again = cli.run(['agents', 'pause', ...team_only, ...interrupt, '--again', '--wait'])
      await eventually(async () => runtime.interruptSignal().aborted)
      const stopped = runtime.checkpoint()
      expect(await again).toEqual(done('1 agent paused (interrupt), 1 obeyed'))
      expect((await cli.run(['agents', 'get', 'Boss'])).stdout).toMatch(
        /^runtime +connected, signalbox-js\S+, can interrupt\ncontrol +pause \(interrupt\) done$/m,
      )
      expect(await cli.run(['agents', 'resume', 'Boss', '--no-cascade'])).toEqual(done('Boss is resumed'))
      await stopped
      const statusOf = async (name: string) =>
        (await api.agents.list(project_id, { q: name })).data.find((agent) => agent.name === name)?.status
      expect([await statusOf('Boss'), await statusOf('Helper')]).toEqual(['idle', 'paused'])
      const ended = await cli.run(['agents', 'terminate', 'Boss', '--mode', 'now', '--yes'])
      expect(ended.code).toBe(0)
      expect(await statusOf('Helper')).toBe('terminated')
      expect((await cli.json<{ data: Agent[] }>('agents', 'tree', '--ended')).data).toContainEqual(
        expect.objectContaining({ name: 'Boss', children: [expect.objectContaining({ name: 'Helper' })] }),
      )
      await runtime.close()
    })

    it('releases a name, and revokes tokens', async () => {
      const external_id = unique('job')
      const agent = await api.agents.spawn(project_id, { agent_type_id, name: 'Killed', external_id })
      await cli.json('token', 'Killed')
      expect((await cli.run(['agents', 'revoke-tokens', 'Killed'])).stderr).toContain('--yes')
      const revoked = await cli.json<{ affected_count: number }>('agents', 'revoke-tokens', 'Killed', '--yes')
      expect(revoked.affected_count).toBe(1)
      await api.agents.terminate(project_id, agent.id)
      expect(await cli.run(['agents', 'release', 'Killed'])).toEqual(
        done('Killed has no external id any more'),
      )
      expect((await api.agents.get(project_id, agent.id)).external_id).toBe(null)
    })

    it('needs an id where several agents have the name', async () => {
      const twins = [await spawn('Twin'), await spawn('Twin')]
      const { code, stderr } = await cli.run(['agents', 'pause', 'Twin'])
      expect(code).toBe(1)
      for (const { id } of twins) expect(stderr).toContain(id)
      await api.agents.terminate(project_id, `${twins[0]?.id}`)
      expect((await cli.run(['agents', 'terminate', '--yes', 'Twin'])).code).toBe(0)
    })

    it.each([
      ['lines of JSON', ['--json'], '"type":"reset"', '"name":"agent.spawned"'],
      ['lines of text', ['-l', '!team'], 'as of event', 'agent.spawned Watched'],
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

  it('shows the signed-in user, and ends the session', async () => {
    const user = await CliUser.signedIn({ SIGNALBOX_URL: url })
    expect(await user.run(['whoami'])).toEqual(done(containing(admin.email)))
    expect(await user.run(['logout'])).toEqual(done(`Signed out of ${url}`))
    user.remove()
  })

  describe('that starts servers', () => {
    const env = { DATA_DIR: 'memory://', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }

    it('serves until a SIGTERM', async () => {
      const child = cli.start(['serve', '--port', '0'], { env })
      const exited = new Promise((resolve) => child.once('exit', resolve))
      const origin = /"url":"([^"]+)"/.exec(await reader(child)('listens on'))?.[1]
      expect((await fetch(`${origin}/readyz`)).status).toBe(200)
      child.kill('SIGTERM')
      expect(await exited).toBe(0)
    })

    it('updates the schema of a database', async () => {
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

    it('refuses to reset a superuser of an empty database', async () => {
      expect(await cli.run(['users', 'reset-superuser'], { env })).toEqual({
        code: 1,
        stdout: '',
        stderr: 'signalbox: There is no superuser yet: start a server once, which makes the first one',
      })
    })

    it('refuses a demo on a random port', async () => {
      expect(await cli.run(['demo'], { env: { ...env, PORT: '0' } })).toMatchObject({ code: 1 })
    })

    it('serves assistants until stdin ends', async () => {
      const initialize = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 't', version: '1' },
      }
      const first = { jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }
      const { code, stdout, stderr } = await cli.run(['mcp'], { input: `${JSON.stringify(first)}\n` })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { serverInfo: { name: 'signalbox' } } })
    })

    it('prints completion', async () => {
      expect((await cli.run(['completion', 'bash'])).stdout).toContain('complete -F _signalbox signalbox')
      expect((await cli.run(['completion', 'csh'])).code).toBe(2)
    })
  })

  it('ran every command in this file, but for those with files of their own', () => {
    expect(listUnused((path) => !/^(requests |hook$|run$)/.test(path))).toEqual([])
  })
})
