import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { App } from '#src/app.ts'
import { UNKNOWN } from '../http/suite.ts'
import { admin, backends, startApp } from '../support/backends.ts'
import { CliUser } from '../support/cli-process.ts'

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

  describe('where something is wrong', () => {
    it.each([
      ['an unknown command', ['agents', 'frob'], "unknown command 'frob'"],
      ['an unknown option', ['agents', 'list', '--frob'], "unknown option '--frob'"],
      ['a value that is none', ['agents', 'list', '--status', 'asleep'], 'Allowed choices are idle'],
      ['a missing argument', ['agents', 'get'], "missing required argument 'agent'"],
      ['no agent', ['agents', 'pause'], 'Name agents, or say --all'],
      ['agents and --all', ['agents', 'pause', 'Ada', '--all'], 'Name agents, or say --all'],
      ['no time', ['agents', 'pause', 'Ada', '--for', 'ever'], 'as in 10m'],
      ['a server without http', ['projects', 'list', '--url', 'localhost:8080'], 'is no URL of a server'],
      ['nobody to ask for a password', ['login', '--email', 'a@b.c'], '--password-stdin'],
    ])('says so in one line and ends with 2: %s', async (_, args, said) => {
      const { code, stdout, stderr } = await cli.run(args)
      expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: containing(said) })
      expect(stderr.split('\n')).toHaveLength(1)
    })

    const local = ['serve', 'migrate', 'epoch bump', 'demo']
    it.each(local)('names each variable of a server that is wrong, and ends with 1: %s', async (command) => {
      const env = { DATA_DIR: 'memory://', PORT: 'http', LOG_LEVEL: 'loud' }
      const { code, stdout, stderr } = await cli.run(command.split(' '), { env })
      expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: containing('PORT must be') })
      expect(stderr).toContain('LOG_LEVEL must be')
    })

    it('names what the server found wrong, for people and for programs', async () => {
      const args = ['projects', 'create', 'Not A Slug', '--name', ' ']
      expect(await cli.run(args)).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^signalbox: name: Must not be empty; slug: .*\(VAL_001\)$/),
      })
      const { code, stdout, stderr } = await cli.run([...args, '--json'])
      expect([code, stdout]).toEqual([1, ''])
      expect(JSON.parse(stderr).errors).toMatchObject([{ field: 'name' }, { field: 'slug' }])
    })

    it('ends with 4 where no server answers', async () => {
      const { code, stderr } = await cli.run(['projects', 'list', '--url', 'http://127.0.0.1:9'])
      expect({ code, stderr }).toEqual({ code: 4, stderr: containing('signalbox serve') })
    })

    it('ends with 3 where nobody is signed in, and where the password is wrong', async () => {
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

  describe('of a session', () => {
    const kept = (user: CliUser) => join(user.config_home, 'signalbox', 'credentials.json')
    const signIn = () => CliUser.signedIn({ SIGNALBOX_URL: url })
    /** Puts something else into what is kept, such as a token whose time is up. */
    const change = (user: CliUser, change: object) => {
      const all = JSON.parse(readFileSync(kept(user), 'utf8'))
      Object.assign(all.sessions[url], change)
      writeFileSync(kept(user), JSON.stringify(all))
    }

    it('keeps it where nobody else can read it, without the password', async () => {
      expect(statSync(kept(cli)).mode & 0o777).toBe(0o600)
      expect(statSync(join(cli.config_home, 'signalbox')).mode & 0o777).toBe(0o700)
      expect(readFileSync(kept(cli), 'utf8')).not.toContain(admin.password)
    })

    it('renews it once for commands that need it at the same time', async () => {
      const user = await signIn()
      change(user, { expires_at: 0 })
      const answers = await Promise.all([1, 2, 3, 4].map(() => user.run(['whoami'])))
      for (const answer of answers) expect(answer).toEqual(done(containing(admin.email)))
      change(user, { access_token: 'refused by the server' })
      expect((await user.run(['whoami'])).code).toBe(0)
      user.remove()
    })

    it('says when it has ended', async () => {
      const user = await signIn()
      change(user, { expires_at: 0, refresh_token: 'sbr_unknown' })
      const ended = await user.run(['agents', 'watch', '--project', UNKNOWN])
      expect(ended).toMatchObject({ code: 3, stderr: containing('has ended: run "signalbox login"') })
      user.remove()
    })

    it('sends it to its own server alone', async () => {
      const user = await signIn()
      const elsewhere = url.replace('127.0.0.1', 'localhost')
      expect((await user.run(['whoami', '--url', elsewhere])).code).toBe(3)
      expect((await user.run(['whoami'])).code).toBe(0)
      user.remove()
    })

    it('ends it at the server too', async () => {
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
