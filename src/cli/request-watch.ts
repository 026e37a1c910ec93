import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentRequest, ApiError, eachItem, type InboxRequest } from '#src/client/rest/rest.ts'
import type { Cli } from './cli.ts'
import { MAX_WAIT_SECONDS } from './hook-gate.ts'
import { promptForAnswer } from './request-prompt.ts'
import { describeEnding } from './request-text.ts'
import { toLine } from './text.ts'

/** Between two looks at the list: far below its 60 calls a minute. */
const LOOK_EVERY_MS = 3_000

/** The open requests, oldest first: of one project, or of all. */
export async function* openRequests(
  { api }: Pick<Cli, 'api'>,
  project_id: string | undefined,
): AsyncGenerator<InboxRequest> {
  for await (const request of eachItem((page) => api.requests.mine(page))) {
    if (project_id === undefined || request.project_id === project_id) yield request
  }
}

/** Prompts for one request after another, until it is interrupted. One that was passed over does not come again. */
export async function watchRequests(cli: Cli, project_id: string | undefined): Promise<void> {
  const passed = new Set<string>()
  let isWaiting = false
  for (;;) {
    const next = await look(cli, project_id, passed)
    if (next && (await answerOne(cli, next)) === 'over') passed.add(next.id)
    if (!next && !isWaiting) {
      cli.note(`No ${passed.size > 0 ? 'other ' : ''}request is open. Waiting for the next one; Ctrl-C stops`)
    }
    isWaiting = !next
    if (!next) await sleep(LOOK_EVERY_MS)
  }
}

/** The oldest that the user may answer and has not passed over; undefined if there is none, or the server cannot be asked now. */
async function look(
  cli: Cli,
  project_id: string | undefined,
  passed: Set<string>,
): Promise<AgentRequest | undefined> {
  const open = new Set<string>()
  try {
    for await (const request of openRequests(cli, project_id)) {
      if (request.can_answer && !passed.has(request.id)) return request
      open.add(request.id)
    }
    // Those that have ended need not be remembered.
    for (const id of passed) if (!open.has(id)) passed.delete(id)
  } catch (error) {
    if (!(error instanceof ApiError && error.retryable)) throw error
    cli.note(error.message)
  }
  return undefined
}

/** `over`: it has ended, however, or was passed over. `again`: the answer did not fit. */
async function answerOne(cli: Cli, request: AgentRequest): Promise<'over' | 'again'> {
  try {
    const body = await untilEnded(cli, request, (signal) => promptForAnswer(request, signal))
    if (!body) return 'over'
    const ended = await cli.api.requests.answer(request.project_id, request.id, body)
    cli.print(ended, () => `${toLine(ended.agent_name)}: ${describeEnding(ended)}`)
    return 'over'
  } catch (error) {
    if (error instanceof EndedMeanwhile) {
      process.stderr.write('\n')
      cli.note(error.message)
      return 'over'
    }
    const isRefused = error instanceof ApiError && (error.status === 409 || error.status === 422)
    if (!isRefused) throw error
    cli.note(error.message)
    return error.status === 409 ? 'over' : 'again'
  }
}

/** The request that a person is looking at has ended: another one answered it, or it expired, or its agent took it back. */
class EndedMeanwhile extends Error {}

/** Does the work with a signal that aborts when the request ends. A server that is away is asked again. */
async function untilEnded<Result>(
  { api }: Cli,
  { project_id, id, agent_name }: AgentRequest,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const [ended, done] = [new AbortController(), new AbortController()]
  const { signal } = done
  const { requests } = api.with({ signal })
  const wait = async () => {
    while (!signal.aborted) {
      try {
        const request = await requests.get(project_id, id, { wait: MAX_WAIT_SECONDS })
        if (request.state !== 'open') {
          const message = `${toLine(agent_name)}: ${describeEnding(request)}, while you were asked`
          return ended.abort(new EndedMeanwhile(message))
        }
      } catch {
        // What is wrong shows when the answer is sent.
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }
  void wait()
  try {
    return await work(ended.signal)
  } finally {
    done.abort()
  }
}
