import * as v from 'valibot'
import { errors, tokenPair } from '#src/protocol/resources.ts'

export type Credentials = { email: string; password: string }
type Request = { method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; path: string; body?: object }

/** An answer of the server that is not a success. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A REST client that checks every answer against the contract. */
export class Client {
  readonly #base: string
  readonly #credentials: Credentials
  #token: string | undefined

  constructor(origin: string, credentials: Credentials) {
    this.#base = `${origin}/api/v1`
    this.#credentials = credentials
  }

  async signIn(): Promise<void> {
    const request = { method: 'POST', path: '/auth/login', body: this.#credentials } as const
    this.#token = undefined
    this.#token = v.parse(tokenPair, await readAnswer(await this.#fetch(request), request)).access_token
  }

  /** An access token for a socket; a new one where the server refused the last one or it is about to expire. */
  async token(refused: string | undefined): Promise<string | undefined> {
    if (this.#token === undefined || this.#token === refused) await this.signIn()
    return this.#token
  }

  /** Throws a Refusal for any answer but a success. */
  async send<Schema extends v.GenericSchema>(
    schema: Schema,
    request: Request,
  ): Promise<v.InferOutput<Schema>> {
    let response = await this.#fetch(request)
    if (response.status === 401) {
      // An access token lasts 15 minutes; the demo may run all day.
      await response.body?.cancel()
      await this.signIn()
      response = await this.#fetch(request)
    }
    return v.parse(schema, await readAnswer(response, request))
  }

  #fetch({ method, path, body }: Request): Promise<Response> {
    return fetch(this.#base + path, {
      method,
      headers: {
        ...(this.#token && { authorization: `Bearer ${this.#token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
  }
}

async function readAnswer(response: Response, { method, path }: Request): Promise<unknown> {
  const answer: unknown = await response.json()
  if (response.ok) return answer
  const refused = v.safeParse(errors, answer)
  const messages = refused.success ? refused.output.errors.map(({ message }) => message) : []
  throw new Refusal(response.status, `${method} ${path}: ${response.status} ${messages.join('; ')}`)
}
