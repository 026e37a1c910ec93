import type { Command } from 'commander'
import { define, flag } from '../command.ts'
import { describeFailure } from '../failure.ts'
import { inProject } from './agents.ts'

export function addMcp(program: Command): void {
  define(program, {
    usage: 'mcp',
    summary: 'Serve an assistant or an IDE on stdin and stdout (Model Context Protocol)',
    examples: ['mcp', 'mcp --allow-actions --project north-line'],
    options: {
      act: flag('--allow-actions', 'let it act, as you may; without it, it can only read'),
      ...inProject,
    },
    async run({ api }, { options: { act, project } }) {
      // Loading the SDK takes longer than any other command.
      const { serveOverStdio } = await import('#src/mcp/stdio.ts')
      // Stdout is for the protocol alone; assistants show stderr as a log.
      const onError = (error: unknown) => console.error(`signalbox: ${describeFailure(error).line}`)
      await serveOverStdio({ api, may_act: act, project, onError })
    },
  })
}
