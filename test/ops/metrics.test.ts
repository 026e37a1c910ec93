import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parse } from 'yaml'
import type { Used } from '#src/domain/usage.ts'
import { Instruments } from '#src/metrics/instruments.ts'
import { createUsageCounts } from '#src/metrics/usage.ts'
import type { App } from '#src/server/app.ts'
import { type Backend, backends, sharedBackends, startApp } from '../support/backends.ts'
import { eventually } from '../support/eventually.ts'
import { type Family, readFamilies, seriesOf } from '../support/exposition.ts'
import { readExpression } from '../support/promql.ts'
import { createFleet, Rest, spawn } from '../support/rest.ts'
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

/** The labels that Prometheus adds to each series. */
const added = ['job', 'instance']
const ofPrometheus = new Map([
  ['up', new Set<string>()],
  ['ALERTS', new Set(['alertname', 'alertstate'])],
])

const [backend] = backends as [Backend]

it('the metrics of usage name 100 projects, and no more', async () => {
  const instruments = new Instruments()
  const count = createUsageCounts(instruments)
  const used = { tokens_used: 2, cost_incurred: '0.5000' } as Used
  for (let n = 0; n < 103; n++) for (let times = 0; times < 2; times++) count(`project-${n}`, used)
  const lines = (await instruments.registry.metrics()).split('\n')
  const tokens = lines.filter((line) => line.startsWith('signalbox_tokens_used_total{'))
  expect(tokens).toHaveLength(101)
  expect(tokens).toContain('signalbox_tokens_used_total{project="other"} 12')
  expect(tokens).toContain('signalbox_tokens_used_total{project="project-99"} 4')
  expect(lines).toContain('signalbox_cost_incurred_total{project="other"} 3')
})

describe('the metrics', () => {
  let app: App
  let families: Family[]
  let series: Map<string, Set<string>>

  const scrape = async () => readFamilies(await (await app.api.request('/metrics', {}, {})).text())

  beforeAll(async () => {
    app = await startApp(await backend.config())
    await spawn(await createFleet(await Rest.of(app).signIn()))
    // Some series appear with their first count: an answered request, a garbage collection.
    const has = (name: string, label: string) =>
      families.some((family) => family.name === name && family.labels.has(label))
    await eventually(async () => {
      families = await scrape()
      return has('signalbox_http_requests_total', 'route') && has('nodejs_gc_duration_seconds', 'kind')
    })
    series = new Map([...seriesOf(families), ...ofPrometheus])
  })
  afterAll(() => app.stop())

  /** The names in an expression and its legend that no scrape has. */
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

  it('are in docs/metrics.md, which `npx vitest run test/ops/metrics.test.ts -u` writes', async () => {
    await expect(toMarkdown(families)).toMatchFileSnapshot('../../docs/metrics.md')
  })

  it('include all that the alerts use', () => {
    expect(rules.length).toBeGreaterThan(10)
    for (const { alert, expr, annotations } of rules) {
      const legend = `${annotations.summary} ${annotations.description}`
      expect({ alert, unknown: findUnknown(expr, legend) }).toEqual({ alert, unknown: [] })
    }
  })

  it('include all that the dashboard uses', () => {
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

  it('have names that end in _total if, and only if, they are counters', () => {
    for (const { name, type } of families.filter(({ name }) => name.startsWith('signalbox_'))) {
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
    }
  })

  it('name routes as they are registered, and count all other paths together', async () => {
    await app.api.request('/api/v1/projects/secret-id/agents', {}, {})
    await app.api.request('/nowhere/secret-id', { method: 'BREW' }, {})
    const shown = await (await app.api.request('/metrics', {}, {})).text()
    expect(shown).toContain('{route="list_project_agents",method="GET",status="401"} 1')
    expect(shown).toContain('{route="other",method="other",status="404"} 1')
    expect(shown).not.toContain('secret-id')
  })
})

describe.each(sharedBackends)('a database that hangs', (shared) => {
  it('delays no scrape, leaves the other metrics as they are, and shows as down', async () => {
    const { databaseUrl = '', ...config } = await shared.config()
    const proxy = await TcpProxy.to(databaseUrl)
    const app = await startApp({ ...config, databaseUrl: proxy.through(databaseUrl) })
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
  it('are valid rules for Prometheus', () => {
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
      const shown = [...labels].filter((label) => label !== 'le').sort()
      return `| \`${name}\` | ${type} | ${shown.join(', ')} | ${help} |`
    })
  return `# Metrics

\`GET /metrics\` answers with these, in the text format of Prometheus, and with those of the process (\`process_*\`, \`nodejs_*\`).
A test writes this page from a scrape. Counters start at 0 with each process. Label values are taken from tables: a route is
the name of its operation or its path template, and what is in no table is \`other\`. Of projects, the first 100 have their ids.

| metric | type | labels | |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
