import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { matches, parseSelector, type SelectorTerm } from '#src/domain/selector.ts'
import type { App } from '#src/server/app.ts'
import { listAgentsJson } from '#src/store/agent-json.ts'
import { findMatching } from '#src/store/agents.ts'
import { type Sql, type Statement, statement } from '#src/store/database.ts'
import { readProjectMetrics } from '#src/store/metrics.ts'
import { selectorMatches, toSelectorValues } from '#src/store/selector.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { createFleet, Rest, spawn } from '../support/rest.ts'

const found = statement(
  'test_found',
  `select n from json_to_recordset($3::json) as d(n int, labels jsonb) where ${selectorMatches(1)} order by n`,
)

const key = fc.constantFrom('a', 'example.org/b_1', 'constructor')
const value = fc.constantFrom('', 'x', 'y-1.0_z')
const term: fc.Arbitrary<SelectorTerm> = fc.oneof(
  fc.record({
    key,
    is: fc.constantFrom('in' as const, 'not_in' as const),
    values: fc.uniqueArray(value, { minLength: 1 }),
  }),
  fc.record({
    key,
    is: fc.constantFrom('present' as const, 'absent' as const),
    values: fc.constant<string[]>([]),
  }),
)
/** Every map of two of the keys. */
const everyLabels = ['', 'x', 'y-1.0_z', undefined].flatMap((a) =>
  ['', 'x', 'y-1.0_z', undefined].map((b) => ({
    ...(a !== undefined && { a }),
    ...(b !== undefined && { 'example.org/b_1': b }),
  })),
)

describe.each(backends)('a selector on $name', ({ config }) => {
  let app: App
  beforeAll(async () => {
    app = await startApp(await config())
  })
  afterAll(() => app.stop())

  it('finds in the database what it matches here', async () => {
    const rows = JSON.stringify(everyLabels.map((labels, n) => ({ n, labels })))
    await fc.assert(
      fc.asyncProperty(fc.array(term, { maxLength: 5 }), async (selector) => {
        const answer = await app.database.run<{ n: number }>(found, [...toSelectorValues(selector), rows])
        const expected = everyLabels.flatMap((labels, n) => (matches(selector, labels) ? n : []))
        expect(answer.map(({ n }) => n)).toEqual(expected)
      }),
    )
  })
})

const fill = statement(
  'test_fill_labels',
  `with one as (select to_jsonb(a) as row from agents a where id = $1)
   insert into agents select copy.* from one, generate_series(1, $2) n, jsonb_populate_record(null::agents,
     one.row || jsonb_build_object('id', gen_random_uuid(), 'labels',
       jsonb_build_object('team', 'team-' || n % 1000, 'env', 'prod'))) copy`,
)
const analyze = statement('test_analyze', 'analyze agents')

describe.each(sharedBackends)('with thousands of agents on $name, an index finds', ({ config }) => {
  let app: App
  let project_id: string
  beforeAll(async () => {
    app = await startApp(await config())
    const fleet = await createFleet(await Rest.of(app).signIn())
    project_id = fleet.project_id
    const { id } = await spawn(fleet)
    await app.database.run(fill, [id, 5_000])
    await app.database.run(analyze)
  })
  afterAll(() => app.stop())

  /** Explains each statement, with its values, in the place of running it. */
  function explaining(plans: string[]): Sql {
    return {
      async run<Row>({ text, isPlannedEachTime }: Statement, values: readonly unknown[] = []) {
        expect(isPlannedEachTime).toBe(true)
        const explain = { ...statement('', `explain ${text}`), isPlannedEachTime: true }
        const lines = await app.database.run<{ 'QUERY PLAN': string }>(explain, values)
        plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'))
        return [] as Row[]
      },
    }
  }

  async function explain(read: (sql: Sql) => Promise<unknown>): Promise<string> {
    const plans: string[] = []
    // Without a row a reader of sums fails.
    await read(explaining(plans)).catch(() => {})
    return plans.join('\n')
  }

  it.each(['team=team-7', 'env=prod,team=team-7', 'team in (team-7,team-8),!legacy'])('%s', async (text) => {
    const selector = parseSelector(text)
    const plans = await Promise.all([
      explain((sql) => listAgentsJson(sql, project_id, { selector }, { limit: 20, offset: 0 })),
      explain((sql) => listAgentsJson(sql, project_id, { selector }, { limit: 20, after: null })),
      explain((sql) => readProjectMetrics(sql, project_id, selector)),
      explain((sql) => findMatching(sql, { project_id, selector, unobeyed: false })),
    ])
    for (const plan of plans) {
      expect(plan).toContain('Bitmap Index Scan on agents_by_label')
      expect(plan).not.toContain('Seq Scan on agents')
    }
  })

  it('not what only excludes, which may have no labels', async () => {
    const plan = await explain((sql) => readProjectMetrics(sql, project_id, parseSelector('team!=team-7')))
    expect(plan).not.toContain('agents_by_label')
  })
})
