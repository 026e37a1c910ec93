import { toJsonSchema } from '@valibot/to-json-schema'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientMessages } from '#src/protocol/messages/up.ts'
import { Watcher } from '../support/watcher.ts'
import { FuzzServer, runs, seed } from './fuzz-server.ts'
import { type Schema, spoilt, textSpoils, toText } from './json.ts'
import { type Place, Places } from './places.ts'
import { findFault, replies } from './replies.ts'

const BATCH = 50
/** Sockets at once; each says BATCH things and is left, so that none says too much. */
const SOCKETS = 4
const RENEW = 5

type Names = Place & { token: string | undefined }
/** A message whose resources are known when it is sent. */
type Made = (names: Place & { token: string }) => string

const ids = fc.constantFrom(
  'a',
  '',
  '\0',
  '\ud800',
  'x'.repeat(64),
  'x'.repeat(65),
  7,
  null,
  { a: 1 },
  '__proto__',
)
/** Half the messages get an id of these, and half the tokens are good. */
const additions = fc.record({ id: ids, token: fc.constant('@token') }, { requiredKeys: [] })
const messages: fc.Arbitrary<Made> = fc
  .constantFrom(...Object.values(clientMessages))
  .chain((schema) => spoilt(toJsonSchema(schema, { typeMode: 'input', errorMode: 'ignore' }) as Schema))
  .chain((value) => fc.tuple(fc.constant(value), additions, textSpoils))
  .map(([value, added, spoil]) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const more = isObject && !('token' in value) ? { id: added.id } : added
    const message = isObject ? { ...value, ...more } : value
    return (names) => spoil(toText(message, names))
  })

describe('hostile frames', () => {
  let server: FuzzServer
  let places: Places

  beforeAll(async () => {
    server = await FuzzServer.start()
    places = await Places.create(server.rest)
  })
  afterAll(() => server.stop())

  const fuzz = async (count: number, token: string | undefined) => {
    const batch = fc.tuple(fc.nat(), fc.array(messages, { minLength: BATCH, maxLength: BATCH }))
    const round = fc.tuple(...Array.from({ length: SOCKETS }, () => batch))
    const numRuns = Math.ceil(count / BATCH / SOCKETS)
    const seen = new Set<string>()
    let rounds = 0
    const property = fc.asyncProperty(round, async (all) => {
      if (rounds++ % RENEW === 0) await places.renew()
      if (rounds === 2) await server.warm()
      const talks = all.map(([place, batch]) => converse(batch, { ...places.at(place), token }))
      for (const types of await Promise.all(talks)) for (const type of types) seen.add(type)
    })
    const report = await fc.check(property, { seed, numRuns, endOnFailure: true })
    if (report.failed) throw new Error(`FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`, { cause: report.errorInstance })
    await server.check()
    return seen
  }

  /** Returns the types of what was answered. */
  async function converse(batch: readonly Made[], { token, ...place }: Names): Promise<Set<string>> {
    const open = async () => {
      const peer = new Watcher(server.process.ws, { token })
      await peer.next('hello')
      if (!token) return peer
      // It may be terminated by now.
      peer.send({ type: 'attach', id: 'first', agent_id: place.agent_id })
      await peer.next(({ id }) => id === 'first')
      return peer
    }
    const seen = new Set<string>()
    let peer = await open()
    for (const [index, made] of batch.entries()) {
      if (peer.socket.readyState !== peer.socket.OPEN) peer = await open()
      const text = made({ ...place, token: token ?? 'none' })
      const fault = await findFault(peer, text, `after ${index}`)
      if (fault) throw new Error(`${fault} after ${text.length} characters: ${text.slice(0, 400)}`)
      for (const { type } of peer.frames) seen.add(type)
    }
    peer.socket.terminate()
    return seen
  }

  it(`${runs} of them are answered, or close with a code of the contract`, { timeout: 900_000 }, async () => {
    const seen = await fuzz(runs, server.rest.token)
    // It was not all nonsense.
    for (const type of Object.values(replies)) expect(seen).toContain(type)
  })

  it('strangers learn only that they are strangers', { timeout: 900_000 }, async () => {
    expect(await fuzz(runs / 5, undefined)).toEqual(new Set(['hello', 'error']))
  })
})
