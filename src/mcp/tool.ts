import type { McpServer, ServerContext, ToolAnnotations } from '@modelcontextprotocol/server'
import * as v from 'valibot'
import type { Api } from '#src/client/rest/rest.ts'
import { field } from '#src/protocol/values.ts'
import { describeFailure } from './failure.ts'
import { toStandard } from './schema.ts'

/** Whom the tools act for, and how they reach Signalbox. */
export type Caller = {
  api: Api
  /** Without it, there are only the tools that read. */
  may_act: boolean
  /** The project where a call names none. */
  project: string | undefined
  /** Aborts what is under way when the connection or the server ends. */
  signal: AbortSignal
  /** Gets failures that are not expected. */
  onError: (error: unknown) => void
}

/** One call of a tool. `api` ends its calls when the assistant cancels. */
export type ToolCall = Pick<Caller, 'api' | 'project' | 'signal'>

/** How dangerous a tool is, as assistants show it before they call it. */
const effects = {
  reads: { readOnlyHint: true, openWorldHint: false },
  changes: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  settles: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  destroys: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
} as const satisfies Record<string, ToolAnnotations>

type ToolSpec<Input extends v.GenericSchema, Output extends v.GenericSchema<unknown, object>> = {
  name: string
  title: string
  description: string
  effect: keyof typeof effects
  input: Input
  output: Output
  run: (call: ToolCall, input: v.InferOutput<Input>) => Promise<v.InferInput<Output>>
}

export type Tool = {
  name: string
  reads: boolean
  addTo: (server: McpServer, caller: Caller) => void
}

/** A tool with its types closed in, so that tools of all kinds are one list. */
export function defineTool<
  Input extends v.GenericSchema,
  Output extends v.GenericSchema<Record<string, unknown>, Record<string, unknown>>,
>({ name, title, description, effect, input, output, run }: ToolSpec<Input, Output>): Tool {
  const [inputSchema, outputSchema] = [toStandard(input), toStandard(output)]
  const annotations = { title, ...effects[effect] }
  return {
    name,
    reads: effect === 'reads',
    addTo(server, caller) {
      const config = { title, description, inputSchema, outputSchema, annotations }
      server.registerTool(name, config, async (given: v.InferOutput<Input>, context: ServerContext) => {
        const call = toCall(caller, context)
        try {
          const structuredContent = await run(call, given)
          return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent }
        } catch (error) {
          return { content: [{ type: 'text', text: inWords(error, caller, call) }], isError: true }
        }
      })
    },
  }
}

export function toCall({ api, project, signal }: Caller, { mcpReq }: ServerContext): ToolCall {
  const ended = AbortSignal.any([signal, mcpReq.signal])
  return { api: api.with({ signal: ended }), project, signal: ended }
}

/** A failure as the assistant reads it. */
export function inWords(error: unknown, caller: Caller, call?: ToolCall): string {
  if (caller.signal.aborted) return 'The server is stopping: try again in a moment'
  if (call?.signal.aborted) return 'The call was cancelled'
  const words = describeFailure(error)
  if (words !== undefined) return words
  caller.onError(error)
  return 'Signalbox has failed: try again, and tell the user if it fails again'
}

export const project = v.optional(
  field(v.string(), 'The project, by slug, name or id; not needed if you can read only one'),
)
export const agent = field(v.pipe(v.string(), v.minLength(1)), 'The agent, by name or id')
export const reason = field(
  v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(500)),
  'Why, in a sentence: operators, the audit trail and the agent itself see it',
)
