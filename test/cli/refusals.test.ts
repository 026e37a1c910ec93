import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/server/app.ts'
import { UNKNOWN } from '../http/suite.ts'
import { admin, backends, startApp } from '../support/backends.ts'
import { CliUser } from '../support/cli-process.ts'
import { LossyFront } from '../support/lossy-front.ts'
import { unique } from '../support/rest.ts'

const done = (stdout: unknown) => ({ code: 0, stdout, stderr: '' })
const containing = (text: string) => expect.stringContaining(text)

describe.each(backends.slice(0, 1))('the command line', (backend) => {
  let app: App
  let url: string
  /** Signed in, as the superuser. */
  let cli: CliUser

  beforeAll(async () => {
    app = await startApp(await backend.config())
    url = `http://127.0.0.1:${(await app.listen()).port}`
    cli = await CliUser.signedIn({ SIGNALBOX_URL: url })
  })
  afterAll(async () => {
    cli.remove()
    await app.stop()
  })

  describe('after an error', () => {
    it.each([
      ['an unknown command', ['agents', 'frob'], "unknown command 'frob'"],
      ['an unknown option', ['agents', 'list', '--frob'], "unknown option '--frob'"],
      ['an unknown value', ['agents', 'list', '--status', 'asleep'], 'Allowed choices are idle'],
      ['a missing argument', ['agents', 'get'], "missing required argument 'agent'"],
      ['no agent', ['agents', 'pause'], 'Name agents, or use --all'],
      ['agents and --all', ['agents', 'pause', 'Ada', '--all'], 'Name agents, or use --all'],
      ['agents and a selector', ['agents', 'pause', 'Ada', '-l', 'team=a'], 'Name agents, or use --all'],
      ['an unknown mode', ['agents', 'pause', 'Ada', '--mode', 'now'], 'checkpoint, interrupt'],
      ['no label to set', ['agents', 'spawn', 'Ada', '--type', 'x', '--label', 'team'], 'KEY=VALUE'],
      [
        'a label twice',
        ['agents', 'spawn', 'Ada', '--type', 'x', '--label', 'a=1', '--label', 'a=2'],
        'twice',
      ],
      ['a label that changes twice', ['agents', 'label', 'Ada', 'a=1', 'a-'], '"a" is given twice'],
      ['no label to change', ['agents', 'label', 'Ada', 'team'], '"team" is not a label'],
      ['the tree of all agents', ['agents', 'metrics', '--tree'], '--tree is for one agent'],
      ['no selector', ['agents', 'watch', '-l', 'team in'], '--selector: '],
      ['no time', ['agents', 'pause', 'Ada', '--for', 'ever'], 'such as 10m'],
      ['a server without http', ['projects', 'list', '--url', 'localhost:8080'], "is not a server's URL"],
      ['no terminal to ask for a password', ['login', '--email', 'a@b.c'], '--password-stdin'],
    ])('prints one line and ends with 2: %s', async (_, args, said) => {
      const { code, stdout, stderr } = await cli.run(args)
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: containing(said) })
      expect(stderr.split('\n')).toHaveLength(1)
    })

    const local = ['serve', 'migrate', 'epoch bump', 'users reset-superuser', 'demo']
    it.each(local)('names each invalid variable of a server, and ends with 1: %s', async (command) => {
      const env = { DATA_DIR: 'memory://', PORT: 'http', LOG_LEVEL: 'loud' }
      const { code, stdout, stderr } = await cli.run(command.split(' '), { env })
      expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: containing('PORT must be') })
      expect(stderr).toContain('LOG_LEVEL must be')
      expect(stderr.split('\n')).toHaveLength(1)
    })

    it('names each problem that the server found, for people and for programs', async () => {
      const args = ['projects', 'create', 'Not A Slug', '--name', ' ']
      expect(await cli.run(args)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^signalbox: name: Must not be empty; slug: .*\(VAL_001\)$/),
      })
      const { code, stdout, stderr } = await cli.run([...args, '--json'])
      expect([code, stdout]).toEqual([1, ''])
      expect(JSON.parse(stderr).errors).toMatchObject([{ field: 'name' }, { field: 'slug' }])
    })

    it('ends with 4 when no server answers', async () => {
      const { code, stderr } = await cli.run(['projects', 'list', '--url', 'http://127.0.0.1:9'])
      expect({ code, stderr }).toEqual({ code: 4, stderr: containing('signalbox serve') })
    })

    it('ends with 3 without a session, and after a wrong password', async () => {
      const stranger = new CliUser({ SIGNALBOX_URL: url })
      const refused = await stranger.run(['projects', 'list'])
      expect(refused).toMatchObject({ code: 3, stderr: containing('signalbox login') })
      const args = ['login', '--email', admin.email, '--password-stdin']
      expect(await stranger.run(args, { input: 'wrong' })).toMatchObject({
        code: 3,
        stderr: containing('AUTH_001'),
      })
      stranger.remove()
    })
  })

  describe('with untrusted text', () => {
    // A terminal that obeyed these would change its title, clear its screen, and turn what follows around.
    const hostile = 'Eve\x1b]0;owned\x07\x1b[2J\u009b2J\u202e'
    const unsafe = /[^\P{Cc}\n]|\u202e/u

    it.each([
      ['a name on stdin', ['agents', 'pause', '-', '--project', 'P'], `${hostile}\n`],
      ['a project', ['agents', 'list', '--project', hostile], ''],
      ['a command', ['agents', hostile], ''],
      ['an option', ['agents', 'list', `--${hostile}`], ''],
    ])('prints nothing that a terminal obeys: %s', async (_, given, input) => {
      const slug = unique('echo')
      await cli.json('projects', 'create', slug, '--name', 'Echo')
      const args = given.map((word) => (word === 'P' ? slug : word))
      for (const format of [[], ['--json']]) {
        const { code, stdout, stderr } = await cli.run([...args, ...format], { input })
        expect(code).toBeGreaterThan(0)
        expect(stderr).toContain('Eve')
        expect(stdout + stderr).not.toMatch(unsafe)
      }
    })

    it('treats an empty variable as unset', async () => {
      const only = await CliUser.signedIn({ SIGNALBOX_URL: url, SIGNALBOX_PROJECT: '' })
      expect(await only.run(['agents', 'list', '--project', UNKNOWN])).toMatchObject({ code: 1 })
      const { code, stderr } = await only.run(['agents', 'list'])
      // Without a variable it takes the only project there is, or asks which.
      if (code !== 0) expect(stderr).toContain('Choose a project with --project or SIGNALBOX_PROJECT')
      only.remove()
    })

    it.each(['null', '7', '[]', '{}', '{"current":null,"sessions":{"http://a":null}}', '{"current"'])(
      'names the damaged file: credentials.json with %s',
      async (text) => {
        const user = await CliUser.signedIn({ SIGNALBOX_URL: url })
        const path = join(user.config_home, 'signalbox', 'credentials.json')
        writeFileSync(path, text)
        for (const command of ['whoami', 'logout']) {
          expect(await user.run([command])).toEqual({
            code: 1,
            stdout: '',
            stderr: `signalbox: ${path} cannot be read, or is damaged: remove it, and sign in again`,
          })
        }
        user.remove()
      },
    )
  })

  describe('with a session', () => {
    const kept = (user: CliUser) => join(user.config_home, 'signalbox', 'credentials.json')
    const signIn = (at = url) => CliUser.signedIn({ SIGNALBOX_URL: at })
    /** Puts something else into what is kept, such as a token whose time is up. */
    const change = (user: CliUser, change: object, at = url) => {
      const all = JSON.parse(readFileSync(kept(user), 'utf8'))
      Object.assign(all.sessions[at], change)
      writeFileSync(kept(user), JSON.stringify(all))
    }

    it('stores it where only the user can read it, without the password', async () => {
      expect(statSync(kept(cli)).mode & 0o777).toBe(0o600)
      expect(statSync(join(cli.config_home, 'signalbox')).mode & 0o777).toBe(0o700)
      expect(readFileSync(kept(cli), 'utf8')).not.toContain(admin.password)
    })

    it('renews it once for several commands at the same time', async () => {
      const user = await signIn()
      change(user, { expires_at: 0 })
      const answers = await Promise.all([1, 2, 3, 4].map(() => user.run(['whoami'])))
      for (const answer of answers) expect(answer).toEqual(done(containing(admin.email)))
      change(user, { access_token: 'refused by the server' })
      expect((await user.run(['whoami'])).code).toBe(0)
      user.remove()
    })

    it('keeps it after the answer to a renewal was lost', async () => {
      const front = await LossyFront.to(url)
      const user = await signIn(front.origin)
      change(user, { expires_at: 0 }, front.origin)
      front.plan('lose')
      expect(await user.run(['whoami'])).toEqual(done(containing(admin.email)))
      change(user, { expires_at: 0 }, front.origin)
      expect(await user.run(['whoami'])).toEqual(done(containing(admin.email)))
      expect(front.seen.map(({ path }) => path).filter((path) => path.endsWith('refresh'))).toHaveLength(3)
      user.remove()
      await front.close()
    })

    it('says when it has ended', async () => {
      const user = await signIn()
      change(user, { expires_at: 0, refresh_token: 'sbr_unknown' })
      const ended = await user.run(['agents', 'watch', '--project', UNKNOWN])
      expect(ended).toMatchObject({ code: 3, stderr: containing('has ended: run "signalbox login"') })
      user.remove()
    })

    it('sends it only to its own server', async () => {
      const user = await signIn()
      const elsewhere = url.replace('127.0.0.1', 'localhost')
      expect((await user.run(['whoami', '--url', elsewhere])).code).toBe(3)
      expect((await user.run(['whoami'])).code).toBe(0)
      user.remove()
    })

    it('ends it on the server too', async () => {
      const user = await signIn()
      const { refresh_token } = JSON.parse(readFileSync(kept(user), 'utf8')).sessions[url]
      expect((await user.run(['logout'])).code).toBe(0)
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
      const answer = await fetch(`${url}/api/v1/auth/refresh`, {
        ...init,
        body: JSON.stringify({ refresh_token }),
      })
      expect(answer.status).toBe(401)
      expect((await user.run(['logout'])).code).toBe(3)
      user.remove()
    })
  })
})
