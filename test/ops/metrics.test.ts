import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parse } from 'yaml'
import type { App } from '#src/app.ts'
import { type Backend, backends, sharedBackends, startApp } from '../support/backends.ts'
import { type Family, readFamilies, seriesOf } from '../support/exposition.ts'
import { readExpression } from '../support/promql.ts'
import { createFleet, Rest, spawn } from '../support/rest.ts'
import { eventually } from '../support/stage.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'

const pathOf = (name: string) => fileURLToPath(new URL(`../../ops/${name}`, import.meta.url))
const read = (name: string) => readFileSync(pathOf(name), 'utf8')

const text = v.string()
const rule = v.object({
  alert: text,
  expr: text,
  labels: v.strictObject({ severity: v.picklist(['critical', 'warning']) }),
  annotations: v.strictObject({ summary: text, description: text }),
})
const rules = v
  .parse(
    v.object({ groups: v.array(v.object({ rules: v.array(rule) })) }),
    parse(read('prometheus/alerts.yml')),
  )
  .groups.flatMap((group) => group.rules)

const target = v.object({ expr: text, legendFormat: text })
const board = v.parse(
  v.object({
    panels: v.array(v.object({ title: text, targets: v.optional(v.array(target), []) })),
    templating: v.object({ list: v.array(v.object({ name: text, query: text })) }),
  }),
  JSON.parse(read('grafana/dashboards/signalbox.json')),
)

/** What Prometheus and its rules add to each series. */
const added = ['job', 'instance']
const ofPrometheus = new Map([
  ['up', new Set<string>()],
  ['ALERTS', new Set(['alertname', 'alertstate'])],
])

const [backend] = backends as [Backend]

describe('what is measured', () => {
  let app: App
  let families: Family[]
  let series: Map<string, Set<string>>

  const scrape = async () => readFamilies(await (await app.api.request('/metrics', {}, {})).text())

  beforeAll(async () => {
    app = await startApp(await backend.config())
    await spawn(await createFleet(await Rest.of(app).signIn()))
    // Some appear with what they count: a request that was answered, garbage that was collected.
    const has = (name: string, label: string) =>
      families.some((family) => family.name === name && family.labels.has(label))
    await eventually(async () => {
      families = await scrape()
      return has('signalbox_http_requests_total', 'route') && has('nodejs_gc_duration_seconds', 'kind')
    })
    series = new Map([...seriesOf(families), ...ofPrometheus])
  })
  afterAll(() => app.stop())

  /** What an expression and its legend name that no scrape has. */
  const findUnknown = (expression: string, legend = '') => {
    const plain = expression.replaceAll('$__rate_interval', '5m')
    const { selected, grouped } = readExpression(plain)
    const unknown = selected.flatMap(({ metric, labels }) => {
      const known = series.get(metric)
      if (!known) return [metric]
      return labels.filter((label) => !known.has(label) && !added.includes(label))
    })
    const possible = new Set([
      ...added,
      'le',
      ...selected.flatMap(({ metric }) => [...(series.get(metric) ?? [])]),
    ])
    const shown = [...legend.matchAll(/\{\{ ?\$?(?:labels\.)?(\w+)/g)].map(([, label]) => label ?? '')
    const named = [...grouped, ...shown].filter((label) => label !== 'value')
    return [...unknown, ...named.filter((label) => !possible.has(label))]
  }

  it('is in docs/metrics.md, which `npx vitest run test/ops/metrics.test.ts -u` writes', async () => {
    await expect(toMarkdown(families)).toMatchFileSnapshot('../../docs/metrics.md')
  })

  it('is all that the alerts ask for', () => {
    expect(rules.length).toBeGreaterThan(10)
    for (const { alert, expr, annotations } of rules) {
      const legend = `${annotations.summary} ${annotations.description}`
      expect({ alert, unknown: findUnknown(expr, legend) }).toEqual({ alert, unknown: [] })
    }
  })

  it('is all that the dashboard asks for', () => {
    for (const { title, targets } of board.panels) {
      for (const { expr, legendFormat } of targets) {
        expect({ title, unknown: findUnknown(expr, legendFormat) }).toEqual({ title, unknown: [] })
      }
    }
    const variables = board.templating.list.flatMap(
      ({ query }) => /^label_values\((\w+)/.exec(query)?.[1] ?? [],
    )
    expect(variables).toHaveLength(2)
    for (const metric of variables) expect(series.has(metric)).toBe(true)
  })

  it('is told by counters whose names end in _total, and by nothing else of that name', () => {
    for (const { name, type } of families.filter(({ name }) => name.startsWith('signalbox_'))) {
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    }
  })

  it('names routes as they were registered, and lumps together what is none', async () => {
    await app.api.request('/api/v1/projects/secret-id/agents', {}, {})
    await app.api.request('/nowhere/secret-id', { method: 'BREW' }, {})
    const shown = await (await app.api.request('/metrics', {}, {})).text()
    expect(shown).toContain('{route="list_project_agents",method="GET",status="401"} 1')
    expect(shown).toContain('{route="other",method="other",status="404"} 1')
    expect(shown).not.toContain('secret-id')
  })
})

describe.each(sharedBackends)('a database that hangs', (shared) => {
  it('neither holds up nor spoils what is measured, and shows as down', async () => {
    const { database_url = '', ...config } = await shared.config()
    const proxy = await TcpProxy.to(database_url)
    const app = await startApp({ ...config, database_url: proxy.through(database_url) })
    const scrape = async () => (await app.api.request('/metrics', {}, {})).text()
    expect(await scrape()).toMatch(/^signalbox_database_up 1$/m)
    proxy.hang()
    await eventually(async () => {
      const began = performance.now()
      const shown = await scrape()
      expect(performance.now() - began).toBeLessThan(1_000)
      return /^signalbox_database_up 0$/m.test(shown) && !shown.includes('signalbox_open_signals{')
    })
    proxy.heal()
    await eventually(async () => (await scrape()).includes('signalbox_open_signals{state="overdue"} 0'))
    await app.stop()
    await proxy.close()
  })
})

describe.skipIf(!inject('programs').promtool)('the alerts', () => {
  it('are rules that Prometheus takes', () => {
    const said = execFileSync(inject('programs').promtool ?? '', [
      'check',
      'rules',
      pathOf('prometheus/alerts.yml'),
    ])
    expect(said.toString()).toContain('SUCCESS')
  })
})

function toMarkdown(families: readonly Family[]): string {
  const rows = families
    .filter(({ name }) => name.startsWith('signalbox_'))
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, type, labels, help }) => {
      const own = [...labels].filter((label) => label !== 'le').sort()
      return `| \`${name}\` | ${type} | ${own.join(', ')} | ${help} |`
    })
  return `# Metrics

\`GET /metrics\` answers with these, in the text format of Prometheus, and with those of the process (\`process_*\`, \`nodejs_*\`).
A test writes this page from a scrape. Counters begin anew with each process. Label values come of tables: a route is
the name of its operation or its path template, and what is in no table is \`other\`.

| metric | type | labels | |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
