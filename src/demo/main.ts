import { checkNodeVersion } from '#src/server/node-version.ts'
import { endWithNpm } from '#src/server/npm-parent.ts'
import { leaveToChildOfPidOne } from '#src/server/pid-one.ts'

checkNodeVersion()
if (!leaveToChildOfPidOne()) {
  endWithNpm(process.env)
  const { runDemo } = await import('./run.ts')
  await runDemo(process.env)
}
