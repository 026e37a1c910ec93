import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createProgram } from '#src/cli/program.ts'
import { tools } from '#src/mcp/server.ts'

const text = readFileSync(new URL('../../docs/mcp.md', import.meta.url), 'utf8')

describe('docs/mcp.md', () => {
  it('lists each tool, and whether it acts', () => {
    const rows = [...text.matchAll(/^\| `(\w+)` \| (yes)? ?\|/gm)].map(([, name, acts]) => [
      name,
      acts !== 'yes',
    ])
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(tools.map(({ name, reads }) => [name, reads])),
    )
  })

  it('shows configurations that reach the endpoint, or start the command', () => {
    type Server = { url?: string; args?: string[] }
    const blocks = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, block = '']) => JSON.parse(block))
    expect(blocks.length).toBe(4)
    const command = createProgram().commands.find((one) => one.name() === 'mcp')
    const flags = command?.options.map(({ long }) => long)
    for (const { mcpServers, servers = mcpServers } of blocks) {
      const { url, args = [] }: Server = servers.signalbox
      if (url) expect(new URL(url).pathname).toBe('/api/v1/mcp')
      else expect(args.slice(0, 2)).toEqual(['signalbox', 'mcp'])
      for (const arg of args) if (arg.startsWith('--')) expect(flags).toContain(arg)
    }
  })
})
