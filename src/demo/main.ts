import { checkNodeVersion } from '#src/node-version.ts'

checkNodeVersion()
const { runDemo } = await import('./run.ts')
await runDemo(process.env)
