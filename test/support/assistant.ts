import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** `legacy`: as clients of 2025-11-25 speak; `auto`: 2026-07-28. */
type Era = 'legacy' | 'auto'
export type Result = { text: string; isError: boolean; data: Record<string, unknown> }

/** An assistant with the official client. */
export class Assistant {
  readonly client: Client

  private constructor(era: Era) {
    this.client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: era } })
  }

  static async overHttp(
    origin: string,
    token: string | undefined,
    era: Era = 'auto',
    own: Record<string, string> = {},
  ): Promise<Assistant> {
    const assistant = new Assistant(era)
    const requestInit = { headers: { authorization: `Bearer ${token}`, ...own } }
    const url = new URL(`${origin}/api/v1/mcp`)
    await assistant.client.connect(new StreamableHTTPClientTransport(url, { requestInit }))
    return assistant
  }

  /** Starts `signalbox mcp`. */
  static async overStdio(
    env: Record<string, string>,
    args: readonly string[] = [],
    era: Era = 'auto',
  ): Promise<Assistant> {
    const assistant = new Assistant(era)
    const own = { command: process.execPath, args: [main, 'mcp', ...args], stderr: 'inherit' as const }
    await assistant.client.connect(
      new StdioClientTransport({ ...own, env: { PATH: process.env.PATH ?? '', ...env } }),
    )
    return assistant
  }

  async call(name: string, input: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Result> {
    const result = await this.client.callTool({ name, arguments: input }, { ...(signal && { signal }) })
    const [first] = result.content
    return {
      text: first?.type === 'text' ? first.text : '',
      isError: result.isError ?? false,
      data: (result.structuredContent ?? {}) as Record<string, unknown>,
    }
  }

  /** What a tool answers; fails where the tool does. */
  async get<Data>(name: string, input: Record<string, unknown> = {}): Promise<Data> {
    const { text, isError, data } = await this.call(name, input)
    if (isError) throw new Error(`${name}: ${text}`)
    return data as Data
  }

  async toolNames(): Promise<string[]> {
    return (await this.client.listTools()).tools.map(({ name }) => name)
  }

  /** A resource as JSON. */
  async read<Data>(uri: string): Promise<Data> {
    const { contents } = await this.client.readResource({ uri })
    const [first] = contents
    return JSON.parse(first && 'text' in first ? first.text : '')
  }

  close(): Promise<void> {
    return this.client.close()
  }
}
