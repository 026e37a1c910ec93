import { expect, test } from 'vitest'
import { environment } from '#src/config/config.ts'
import { variableMeanings } from '#src/config/meanings.ts'

test('docs/configuration.md has every variable; `npx vitest run test/documents --update` writes it', async () => {
  const entries: Record<string, { default?: unknown }> = environment.entries
  const rows = Object.entries(variableMeanings).map(([name, variable]) => {
    const unset = 'unset' in variable ? variable.unset : `\`${entries[name]?.default}\``
    return `| \`${name}\` | ${unset} | ${variable.meaning} |`
  })
  await expect(`${head}${rows.join('\n')}\n${tail}`).toMatchFileSnapshot('../../docs/configuration.md')
})

const head = `# Configuration

A server reads environment variables and checks them when it starts. A wrong one stops the start with a line that names it. An empty
variable counts as unset.

| variable | without it | meaning |
| --- | --- | --- |
`

const tail = `
The \`OTEL_\` variables are OpenTelemetry's own; its exporter also reads \`OTEL_EXPORTER_OTLP_HEADERS\`, \`OTEL_SERVICE_NAME\` and the like. Traces are off until
an endpoint or an exporter is named. They are one tree from the click on the page, or a caller's \`traceparent\`, over the commit, Redis
and the hub to the runtime's acknowledgement. Log lines of traced requests have \`trace_id\`.

\`npm start\` limits the heap to 1 GiB, so that memory stays near what is in use. For more, start \`node src/main.ts\` with flags of your own, or
\`signalbox serve\` with them in \`NODE_OPTIONS\`.
`
