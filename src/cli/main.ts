#!/usr/bin/env node
import module from 'node:module'
import { checkNodeVersion } from '#src/node-version.ts'

checkNodeVersion()
// A command lasts a quarter of a second, a third of which would go into compiling the same modules again.
module.enableCompileCache()
const { runProgram } = await import('./program.ts')
await runProgram(process.argv.slice(2))
