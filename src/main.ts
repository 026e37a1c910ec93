import { checkNodeVersion } from './node-version.ts'

checkNodeVersion()
const { serve } = await import('./serve.ts')
await serve(process.env)
