import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { type Options, query as sdkQuery } from '@anthropic-ai/claude-agent-sdk'
import { type FakeModel, used } from './fake-model.ts'

export * from '@anthropic-ai/claude-agent-sdk'

let provided: FakeModel | undefined

export function provide(model: FakeModel): void {
  provided = model
}

/** The SDK's, with a Claude Code that a test plays. */
export function query(params: Parameters<typeof sdkQuery>[0]): ReturnType<typeof sdkQuery> {
  const model = provided
  if (!model) throw new Error('no test has provided the model')
  const spawnClaudeCodeProcess: Options['spawnClaudeCodeProcess'] = () => new FakeClaudeCode(model)
  const own = {
    spawnClaudeCodeProcess,
    pathToClaudeCodeExecutable: 'played by a test',
    mcpServersDelivery: 'initialize' as const,
  }
  return sdkQuery({ ...params, options: { ...params.options, ...own } })
}

type Matcher = { hookCallbackIds: string[]; timeout?: number; onFailure?: string }
type Frame = {
  type: string
  request_id: string
  request: { subtype: string; hooks?: Record<string, Matcher[]> }
  response: { request_id: string; subtype: string; response?: Answered }
  message: { content: string }
}
type Answered = {
  behavior?: 'allow' | 'deny'
  message?: string
  hookSpecificOutput?: { additionalContext?: string }
}

/** Claude Code as the SDK sees it: a process that takes and gives lines of JSON. A second of its time limits is a millisecond. */
class FakeClaudeCode extends EventEmitter {
  readonly stdin = new PassThrough()
  readonly stdout = new PassThrough()
  exitCode: number | null = null
  killed = false
  readonly #model: FakeModel
  readonly #history: string[] = []
  readonly #answers = new Map<string, (answer: Answered | undefined) => void>()
  #hooks: Record<string, Matcher[]> = {}
  #turn = new AbortController()
  #turns: Promise<void> = Promise.resolve()
  #requests = 0
  #answered = 0

  constructor(model: FakeModel) {
    super()
    this.#model = model
    const lines = createInterface({ input: this.stdin })
    lines.on('line', (line) => this.#take(JSON.parse(line)))
    lines.on('close', () => this.#exit())
  }

  kill(): boolean {
    this.killed = true
    this.#exit()
    return true
  }

  #exit(): void {
    if (this.exitCode !== null) return
    this.#turn.abort()
    this.exitCode = 0
    this.stdout.end()
    this.emit('exit', 0, null)
  }

  #write(frame: object): void {
    if (this.exitCode === null) this.stdout.write(`${JSON.stringify(frame)}\n`)
  }

  #take({ type, request_id, request, response, message }: Frame): void {
    if (type === 'control_response') {
      this.#answers.get(response.request_id)?.(response.subtype === 'success' ? response.response : undefined)
    } else if (type === 'control_request') {
      if (request.subtype === 'initialize') this.#hooks = request.hooks ?? {}
      if (request.subtype === 'interrupt') this.#turn.abort()
      const said = {
        hook_on_failure_supported: true,
        hooks_applied: true,
        mcp_servers_applied: true,
        commands: [],
        models: [],
        account: {},
      }
      this.#write({ type: 'control_response', response: { subtype: 'success', request_id, response: said } })
    } else if (type === 'user') {
      this.#turns = this.#turns.then(() => this.#runTurn(message.content))
    }
  }

  #request(request: object): Promise<Answered | undefined> {
    const request_id = `request_${++this.#requests}`
    const { promise, resolve } = Promise.withResolvers<Answered | undefined>()
    this.#answers.set(request_id, resolve)
    this.#write({ type: 'control_request', request_id, request })
    return promise
  }

  /** False: blocked. A hook that is late or fails blocks nothing, unless its matcher says so. */
  async #runHooks(hook_event_name: string, own: object = {}): Promise<boolean> {
    for (const { hookCallbackIds, timeout = 60, onFailure } of this.#hooks[hook_event_name] ?? []) {
      for (const callback_id of hookCallbackIds) {
        const input = { hook_event_name, session_id: 'session', transcript_path: '', cwd: '', ...own }
        const late = new Promise<undefined>((resolve) =>
          setTimeout(() => resolve(undefined), timeout).unref(),
        )
        const answer = await Promise.race([
          this.#request({ subtype: 'hook_callback', callback_id, input }),
          late,
        ])
        if (!answer && onFailure === 'block') return false
        const context = answer?.hookSpecificOutput?.additionalContext
        if (context) this.#history.push(context)
      }
    }
    return true
  }

  async #runTurn(prompt: string): Promise<void> {
    this.#turn = new AbortController()
    const { signal } = this.#turn
    this.#history.push(prompt)
    if (!(await this.#runHooks('UserPromptSubmit', { prompt }))) return this.#end('error_during_execution')
    for (;;) {
      const aborted = new Promise<undefined>((resolve) => {
        signal.addEventListener('abort', () => resolve(undefined))
      })
      const reply = await Promise.race([this.#model.ask([...this.#history], signal), aborted])
      if (!reply) return this.#end('error_during_execution')
      this.#answered++
      const content =
        'tool' in reply
          ? { type: 'tool_use', id: reply.id, name: `mcp__releases__${reply.tool}`, input: reply.input }
          : { type: 'text', text: reply.text }
      this.#write(toAnswer(reply.id, content))
      if ('text' in reply) {
        const said = this.#history.length
        await this.#runHooks('Stop')
        if (this.#history.length === said) return this.#end('success', reply.text)
        continue
      }
      await this.#callTool(`mcp__releases__${reply.tool}`, reply.id, reply.input)
    }
  }

  async #callTool(
    tool_name: string,
    tool_use_id: string,
    tool_input: Record<string, unknown>,
  ): Promise<void> {
    if (!(await this.#runHooks('PreToolUse', { tool_name, tool_input, tool_use_id }))) return
    const request = { subtype: 'can_use_tool', tool_name, input: tool_input, tool_use_id }
    const permission = await this.#request(request)
    if (permission?.behavior !== 'allow') {
      this.#history.push(permission?.message ?? 'Failed')
      return
    }
    const tool_response = `${tool_input.release} is live`
    this.#history.push(tool_response)
    await this.#runHooks('PostToolUse', { tool_name, tool_input, tool_use_id, tool_response })
  }

  #end(subtype: string, result = ''): void {
    const count = (each: number) => each * this.#answered
    const usage = {
      inputTokens: count(used.input - used.cached),
      outputTokens: count(used.output),
      cacheReadInputTokens: count(used.cached),
      cacheCreationInputTokens: 0,
      thinkingTokens: count(used.reasoning),
      costUSD: count(0.25),
    }
    const is_error = subtype !== 'success'
    const own = { subtype, result, is_error, errors: is_error ? ['Interrupted'] : [], session_id: 'session' }
    this.#write({ type: 'result', ...own, num_turns: 1, modelUsage: { 'claude-sonnet-5': usage } })
  }
}

function toAnswer(id: string, content: object): object {
  const usage = {
    input_tokens: used.input - used.cached,
    cache_read_input_tokens: used.cached,
    cache_creation_input_tokens: 0,
    output_tokens: used.output,
    output_tokens_details: { thinking_tokens: used.reasoning },
  }
  const message = { id, role: 'assistant', model: 'claude-sonnet-5', content: [content], usage }
  return { type: 'assistant', message, parent_tool_use_id: null, session_id: 'session', uuid: id }
}
