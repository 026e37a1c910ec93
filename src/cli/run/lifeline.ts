import { setTimeout as sleep } from 'node:timers/promises'
import type { Handlers } from '#src/client/agent/handlers.ts'
import type { Registration } from '#src/client/agent/introduction.ts'
import type { Answer, Question } from '#src/client/agent/question.ts'
import type { Report } from '#src/client/agent/report-queue.ts'
import { runAgent } from '#src/client/agent/run-agents.ts'
import type { RunningAgent } from '#src/client/agent/running-agent.ts'
import { type Connection, connect } from '#src/client/connection/connection.ts'
import { ClosedError } from '#src/client/connection/errors.ts'
import { ApiError } from '#src/client/rest/rest.ts'
import { isId } from '#src/domain/id.ts'
import type { Cli } from '../cli.ts'
import { CliError } from '../failure.ts'
import { resolveProject } from '../resolve.ts'

/** A command starts after this long, even if it is not known by then whether Signalbox can be reached. */
const START_WAIT_MS = 5_000
/** How long the end of a command waits for a server that is away. */
const END_WAIT_MS = 7_000
const DELEGATE_WAIT_MS = 5_000
/** A person may be waiting to stop the command, so the link comes back sooner than that of a page. */
const backoff = { max_ms: 5_000 }
/** Between two attempts to find the project. */
const LOOK_AGAIN_MS = 5_000
/** A delegated token that ends sooner is not given to another start. */
const FRESH_MS = 24 * 60 * 60 * 1_000

export type Identity = Omit<Registration, 'project_id'> & { project: string | undefined }

type Events = Handlers<RunningAgent> & {
  /** The agent is attached: for the first time, or again. */
  live: (agent: RunningAgent) => void
  offline: (why: string) => void
  /** There will be no link any more. */
  ended: (error: Error) => void
}

/** The link of a command to Signalbox, which may be away at any time. */
export class Lifeline {
  readonly #cli: Cli
  readonly #identity: Identity
  readonly #events: Events
  readonly #connection: Connection
  readonly #over = new AbortController()
  readonly #attached = Promise.withResolvers<RunningAgent>()
  #agent: RunningAgent | undefined
  #delegated: { token: string; expires_at: string } | undefined

  constructor(cli: Cli, identity: Identity, events: Events) {
    this.#cli = cli
    this.#identity = identity
    this.#events = events
    this.#connection = connect({ url: cli.url, token: () => cli.readToken(), backoff })
  }

  /** Resolves when the agent is attached, or Signalbox is away. Rejects if Signalbox refuses it. */
  async open(): Promise<void> {
    const { promise: away, resolve } = Promise.withResolvers<void>()
    const offline = (why: string) => {
      this.#events.offline(why)
      resolve()
    }
    const stop = this.#connection.on('state', (state) => {
      if (state.kind === 'offline' && !this.#agent) offline(state.error.message)
    })
    let isOpening = true
    const attached = this.#attach(offline).finally(stop)
    attached.catch((error: Error) => !isOpening && !this.#over.signal.aborted && this.#events.ended(error))
    const late = sleep(START_WAIT_MS, undefined, { signal: this.#over.signal }).then(
      () => !this.#agent && offline('The server did not answer in time'),
      () => {},
    )
    try {
      await Promise.race([attached, away, late])
    } catch (error) {
      await this.close()
      throw error
    } finally {
      isOpening = false
    }
  }

  /** What the command gets in its environment. Without a link there is no token. */
  async variables(): Promise<Record<string, string>> {
    const { url: SIGNALBOX_URL } = this.#cli
    if (!this.#agent) return { SIGNALBOX_URL }
    const agent = {
      SIGNALBOX_AGENT_ID: this.#agent.agent_id,
      SIGNALBOX_PROJECT: this.#agent.details.project_id,
    }
    const issued = await this.#delegate(this.#agent)
    return { SIGNALBOX_URL, ...agent, ...(issued && { SIGNALBOX_TOKEN: issued.token }) }
  }

  /** Without a link the report waits, or is lost if there never was one. */
  report(report: Report): void {
    if (this.#agent && this.#agent.state.kind !== 'closed') this.#agent.report(report).catch(() => {})
  }

  /** Rejects without an agent: then only others can answer. */
  async ask(question: Question): Promise<Answer> {
    const agent = this.#agent ?? (await this.#attached.promise)
    return agent.ask(question)
  }

  get isPaused(): boolean {
    return this.#agent?.isPaused ?? false
  }

  /** Reports the end. Resolves with false if the server has not heard of it. */
  async end(report: Report): Promise<boolean> {
    const agent = this.#agent
    if (!agent || agent.state.kind === 'closed') return false
    const reported = agent.report({ ...report, status: 'terminated' }).then(
      () => true,
      () => false,
    )
    this.#connection.retryNow()
    return Promise.race([reported, sleep(END_WAIT_MS, false, { ref: false })])
  }

  /** Acknowledges what was obeyed. */
  async close(): Promise<void> {
    this.#over.abort()
    await this.#agent?.close()
    this.#connection.close()
  }

  async #attach(offline: (why: string) => void): Promise<void> {
    const { project, ...registration } = this.#identity
    const project_id = await this.#findProject(offline)
    const { onPause, onResume, onTerminate } = this.#events
    const agent = await runAgent({
      connection: this.#connection,
      ...registration,
      project_id,
      capabilities: ['interrupt'],
      client: 'signalbox-run',
      ...(onPause && { onPause }),
      ...(onResume && { onResume }),
      ...(onTerminate && { onTerminate }),
    })
    const { project_slug } = agent.details
    if (project !== undefined && !isId(project) && project !== project_slug) {
      // Only the attach tells a runtime key its project. An agent that this start has created must not stay behind.
      if (agent.registered === 'created') await agent.report({ status: 'terminated' }).catch(() => {})
      await agent.close()
      throw new CliError('failed', `The token belongs to the project ${project_slug}, not to ${project}`)
    }
    this.#agent = agent
    this.#attached.resolve(agent)
    agent.on('state', (state) => {
      if (state.kind === 'live') this.#events.live(agent)
      else if (state.kind === 'offline') this.#events.offline(state.error.message)
      else if (state.kind === 'closed' && !this.#over.signal.aborted) this.#events.ended(state.error)
    })
    this.#events.live(agent)
  }

  /** Keys of agents cannot list projects; they belong to one. */
  async #findProject(offline: (why: string) => void): Promise<string | undefined> {
    const { project } = this.#identity
    if (project !== undefined && isId(project)) return project
    for (;;) {
      const token = await this.#cli.readToken()
      if (/^sb[ax]_/.test(token)) return undefined
      try {
        return await resolveProject(this.#cli.api, project)
      } catch (error) {
        if (!(error instanceof ApiError && error.retryable)) throw error
        offline(error.message)
        await sleep(error.retry_after_ms ?? LOOK_AGAIN_MS, undefined, { signal: this.#over.signal })
      }
    }
  }

  /** A server of an earlier release gives none. */
  async #delegate({ agent_id }: RunningAgent): Promise<{ token: string } | undefined> {
    if (this.#delegated && Date.parse(this.#delegated.expires_at) > Date.now() + FRESH_MS)
      return this.#delegated
    const { promise, resolve } = Promise.withResolvers<void>()
    const isSent = this.#connection.send({ type: 'delegate', agent_id }, (reply) => {
      if (reply.type === 'delegated') this.#delegated = reply
      resolve()
    })
    if (isSent) await Promise.race([promise, sleep(DELEGATE_WAIT_MS, undefined, { ref: false })])
    return this.#delegated
  }
}

/** What the first attach was refused for, in words that say what became of the command. */
export function toRefusal(error: unknown, external_id: string): unknown {
  if (!(error instanceof ClosedError) || error.reason !== 'terminated') return error
  return new CliError(
    'failed',
    `The agent "${external_id}" was terminated by an operator, so the command was not started`,
    'free its name with "signalbox agents release", or choose another --external-id',
  )
}
