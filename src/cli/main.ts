#!/usr/bin/env node
import module from 'node:module'
import { checkNodeVersion } from '#src/server/node-version.ts'
import { leaveToChildOfPidOne } from '#src/server/pid-one.ts'

checkNodeVersion()
if (!leaveToChildOfPidOne()) {
  // Without the cache, compiling the modules would take a third of a command's quarter of a second.
  module.enableCompileCache()
  const { runProgram } = await import('./program.ts')
  await runProgram(process.argv.slice(2))
}
