import { describe, expect, it } from 'vitest'
import { createUsageRetentionJob } from '#src/jobs/retention.ts'
import { statement } from '#src/store/database.ts'
import { backends, sharedBackends, startApp } from '../support/backends.ts'
import { createFleet, type Fleet, Rest, spawn } from '../support/rest.ts'
import { RuntimeSocket } from '../support/runtime.ts'
import { invalid, refusal, UNKNOWN, useApp } from './suite.ts'

type Row = Record<string, unknown> & { bucket: string; group: string | null }
type Report = { data: Row[]; from: string; to: string }

const none = {
  tasks_completed: 0,
  tokens_used: 0,
  cost_incurred: '0.0000',
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  reasoning_output_tokens: 0,
}
const HEADER =
  'bucket,group,tasks_completed,tokens_used,cost_incurred,input_tokens,output_tokens,cache_read_input_tokens,cache_creation_input_tokens,reasoning_output_tokens'
const QUARTER = 15 * 60_000

/** Usage of other times than now, which no report can make. */
const insert = statement(
  'test_insert_usage',
  `insert into usage (project_id, agent_id, quarter, model, provider, tokens_used, cost_incurred)
   select $1::uuid, $2::uuid, quarter, '', '', 1, 0.0001 from unnest($3::timestamptz[]) quarter`,
)
const quarters = statement('test_quarters', 'select quarter from usage where agent_id = $1 order by quarter')

describe.each(backends)('usage on $name', (backend) => {
  const running = useApp(backend)
  const socketOf = async ({ rest }: Fleet): Promise<RuntimeSocket> => {
    listening ??= running().app.listen()
    const url = `ws://127.0.0.1:${(await listening).port}/api/v1/ws`
    const socket = new RuntimeSocket(url, { token: rest.token })
    await socket.next('hello')
    return socket
  }
  let listening: Promise<{ port: number }> | undefined
  const fresh = () => createFleet(running().rest)
  const attach = async (fleet: Fleet, own: object = {}) => {
    const { id } = await spawn(fleet, own)
    const socket = await socketOf(fleet)
    await socket.attach(id)
    return { id, socket }
  }
  const ask = ({ rest, project_id }: Fleet, query: Record<string, string> = {}) =>
    rest.get<Report>(`/projects/${project_id}/usage?${new URLSearchParams(query)}`)
  const read = async (fleet: Fleet, query: Record<string, string> = {}) => (await ask(fleet, query)).body
  /** The rows of the last day in one sum, so that no test cares about the hour in which it runs. */
  const groups = async (fleet: Fleet, query: Record<string, string> = {}) => {
    const { data } = await read(fleet, { bucket: 'month', ...query })
    return Object.fromEntries(data.map(({ bucket: _, group, ...sums }) => [String(group), sums]))
  }
  const fill = async (fleet: Fleet, agent_id: string, times: readonly string[]) => {
    await running().app.database.run(insert, [fleet.project_id, agent_id, times])
  }

  it('equals what reports added, by model, provider, agent, type and label', async () => {
    const fleet = await fresh()
    const [ann, ben] = [await attach(fleet, { labels: { team: 'search' } }), await attach(fleet)]
    const large = { model: 'large', provider: 'acme' }
    const listed = [
      { ...large, tasks_completed: 1, input_tokens: 30, output_tokens: 12, cost_incurred: '0.0300' },
      { model: 'small', provider: 'acme', tokens_used: 5, cache_read_input_tokens: 4, cost_incurred: 0.0001 },
    ]
    expect(await ann.socket.report(ann.id, { n: 1, usage: listed })).toMatchObject({ status: 'idle' })
    await ann.socket.report(ann.id, { n: 2, usage: { ...large, tokens_used: 8, reasoning_output_tokens: 3 } })
    await ben.socket.report(ben.id, { n: 1, usage: { tokens_used: 7, cache_creation_input_tokens: 2 } })
    const ofLarge = {
      ...none,
      tasks_completed: 1,
      tokens_used: 50,
      input_tokens: 30,
      output_tokens: 12,
      reasoning_output_tokens: 3,
      cost_incurred: '0.0300',
    }
    const ofSmall = { ...none, tokens_used: 5, cache_read_input_tokens: 4, cost_incurred: '0.0001' }
    const ofBen = { ...none, tokens_used: 7, cache_creation_input_tokens: 2 }
    const ofAnn = { ...ofLarge, tokens_used: 55, cache_read_input_tokens: 4, cost_incurred: '0.0301' }
    const all = { ...ofAnn, tokens_used: 62, cache_creation_input_tokens: 2 }

    expect(await groups(fleet)).toEqual({ null: all })
    expect(await groups(fleet, { group_by: 'model' })).toEqual({
      large: ofLarge,
      small: ofSmall,
      null: ofBen,
    })
    expect(await groups(fleet, { group_by: 'provider' })).toEqual({ acme: ofAnn, null: ofBen })
    expect(await groups(fleet, { group_by: 'agent' })).toEqual({ [ann.id]: ofAnn, [ben.id]: ofBen })
    expect(Object.values(await groups(fleet, { group_by: 'agent_type' }))).toEqual([all])
    expect(await groups(fleet, { group_by: 'label:team' })).toEqual({ search: ofAnn, null: ofBen })
    expect(await groups(fleet, { selector: 'team=search' })).toEqual({ null: ofAnn })
    expect(await groups(fleet, { selector: '!team', group_by: 'label:team' })).toEqual({ null: ofBen })
    const { body } = await fleet.rest.get<{ agent_type_slug: string }>(`${fleet.agents}/${ann.id}`)
    expect(await groups(fleet, { group_by: 'agent_type' })).toHaveProperty(body.agent_type_slug)
    expect(body).toMatchObject({ tasks_completed: 1, tokens_used: 55, cost_incurred: '0.0301' })
    const metrics = (await (await running().app.api.request('/metrics', {}, {})).text()).split('\n')
    const ofProject = `{project="${fleet.project_id}"}`
    expect(metrics).toContain(`signalbox_tokens_used_total${ofProject} 62`)
    expect(metrics).toContain(`signalbox_cost_incurred_total${ofProject} 0.0301`)

    // Labels are those of now.
    await fleet.rest.patch(`${fleet.agents}/${ben.id}`, { labels: { team: 'search' } })
    expect(await groups(fleet, { group_by: 'label:team' })).toEqual({ search: all })
  })

  it('counts each report once, late ones and those of an ended agent too, and nothing that is set by hand', async () => {
    const fleet = await fresh()
    const { id, socket } = await attach(fleet)
    const usage = { tokens_used: 2, cost_incurred: '0.1000' }
    const say = (n: number, more = {}) => ({ type: 'report', agent_id: id, n, usage, ...more })
    const answers = await socket.answers([say(1), say(1), say(3), say(2), say(3), say(4, { usage: [] })])
    expect(answers.filter(({ duplicate }) => duplicate)).toHaveLength(2)
    expect(await groups(fleet)).toEqual({ null: { ...none, tokens_used: 6, cost_incurred: '0.3000' } })
    const report = (own: object) => socket.answer({ type: 'report', agent_id: id, ...own })
    await report({ n: 5, status: 'terminated' })
    for (const [n, usage] of [
      [6, { tokens_used: 1, cache_read_input_tokens: 9 }],
      [7, { input_tokens: 1, tokens_used: 0 }],
    ] as const)
      expect(await report({ n, usage })).toMatchObject({ type: 'reported', status: 'terminated' })
    const ended = { tokens_used: 7, cost_incurred: '0.3000', cache_read_input_tokens: 9, input_tokens: 1 }
    expect(await groups(fleet)).toEqual({ null: { ...none, ...ended } })
    await fleet.rest.patch(`${fleet.agents}/${id}`, { tokens_used: 900, tasks_completed: 9 })
    expect(await groups(fleet)).toEqual({ null: { ...none, ...ended } })
  })

  it('adds up exactly, however many reports share a transaction', async () => {
    const fleet = await fresh()
    const { id, socket } = await attach(fleet)
    const report = (n: number) => ({
      type: 'report',
      agent_id: id,
      n,
      usage: [
        { model: 'a', tokens_used: 1, cost_incurred: '0.0001' },
        { model: `m${n % 3}`, tokens_used: 2, cost_incurred: '0.1000' },
      ],
    })
    await socket.answers(Array.from({ length: 300 }, (_, index) => report(index + 1)))
    const third = { ...none, tokens_used: 200, cost_incurred: '10.0000' }
    expect(await groups(fleet, { group_by: 'model' })).toEqual({
      a: { ...none, tokens_used: 300, cost_incurred: '0.0300' },
      m0: third,
      m1: third,
      m2: third,
    })
  })

  it('holds the largest counts, which stay where no number is exact any more', async () => {
    const fleet = await fresh()
    const { id, socket } = await attach(fleet)
    const most = { input_tokens: Number.MAX_SAFE_INTEGER, tokens_used: 0, cost_incurred: '9999999999.9999' }
    for (const n of [1, 2, 3]) {
      expect(await socket.report(id, { n, usage: most })).toMatchObject({ status: 'idle' })
      await fleet.rest.patch(`${fleet.agents}/${id}`, { cost_incurred: 0 })
    }
    const sums = { ...none, input_tokens: Number.MAX_SAFE_INTEGER, cost_incurred: '29999999999.9997' }
    expect(await groups(fleet)).toEqual({ null: sums })
  })

  it.each([
    ['usage', Array(17).fill({})],
    ['usage', 'all'],
    ['usage.3.tokens_used', [{}, {}, {}, { tokens_used: -1 }]],
    ['usage.1.model', [{}, { model: 'm'.repeat(129) }]],
    ['usage.0.wrong', [{ wrong: 1 }]],
    ['usage.0', [null]],
    ['usage.input_tokens', { input_tokens: '1' }],
    ['usage.output_tokens', { output_tokens: 0.5 }],
    ['usage.provider', { provider: 'p'.repeat(129) }],
    ['usage.model', { model: 'a\0' }],
    ['usage.1.cost_incurred', [{}, { cost_incurred: '9999999999.9999' }]],
  ])('of a report that is wrong in %s is refused, and nothing of it counts', async (field, usage) => {
    const fleet = await fresh()
    const { id, socket } = await attach(fleet)
    await socket.report(id, { n: 1, usage: { cost_incurred: '0.0001' } })
    const refused = await socket.answer({ type: 'report', agent_id: id, n: 2, usage })
    expect(refused).toMatchObject({ type: 'error', code: 'VAL_001', field })
    expect(await groups(fleet)).toEqual({ null: { ...none, cost_incurred: '0.0001' } })
  })

  it('takes 16 models, of names as long as may be', async () => {
    const fleet = await fresh()
    const { id, socket } = await attach(fleet)
    const usage = Array.from({ length: 16 }, (_, n) => ({
      model: `${n}`.padEnd(128, 'é'),
      provider: 'p'.repeat(128),
      tokens_used: 1,
    }))
    await socket.report(id, { n: 1, usage })
    expect(Object.keys(await groups(fleet, { group_by: 'model' })).sort()).toEqual(
      usage.map(({ model }) => model).sort(),
    )
  })

  it('is of the last 24 hours by default, in hours, up to the end of this quarter-hour', async () => {
    const fleet = await fresh()
    const { id, socket } = await attach(fleet)
    const before = Date.now()
    await socket.report(id, { n: 1, usage: { tokens_used: 1 } })
    const { data, from, to } = await read(fleet)
    const after = Date.now()
    expect(Date.parse(to) - Date.parse(from)).toBe(24 * 60 * 60_000)
    expect(Date.parse(to) % QUARTER).toBe(0)
    expect(Date.parse(to)).toBeGreaterThan(before)
    expect(Date.parse(to)).toBeLessThanOrEqual(after + QUARTER)
    expect(data).toEqual([{ ...none, bucket: expect.any(String), group: null, tokens_used: 1 }])
    const hour = Date.parse(data[0]?.bucket ?? '')
    expect(hour % (4 * QUARTER)).toBe(0)
    expect(hour).toBeGreaterThan(before - 5 * QUARTER)
  })

  it('is rounded outwards to quarter-hours; from counts, and to does not', async () => {
    const fleet = await fresh()
    const { id } = await spawn(fleet)
    await fill(fleet, id, [
      '2026-03-01T10:00Z',
      '2026-03-01T10:15Z',
      '2026-03-01T10:30Z',
      '2026-03-01T10:45Z',
    ])
    const between = async (from: string, to: string) => {
      const { data, ...rounded } = await read(fleet, { from, to })
      return { ...rounded, tokens: data.reduce((sum, row) => sum + Number(row.tokens_used), 0) }
    }
    const inner = { from: '2026-03-01T10:15:00.000Z', to: '2026-03-01T10:45:00.000Z', tokens: 2 }
    expect(await between('2026-03-01T10:15:00Z', '2026-03-01T10:45:00Z')).toEqual(inner)
    expect(await between('2026-03-01T11:29:59.999+01:00', '2026-03-01T10:30:00.001Z')).toEqual(inner)
    const day = await read(fleet, { to: '2026-03-01T10:16:00Z' })
    expect(day).toMatchObject({ from: '2026-02-28T10:30:00.000Z', to: '2026-03-01T10:30:00.000Z' })
  })

  /** A quarter-hour each from `from` to before `to`. */
  const every = (from: string, to: string) => {
    const times: string[] = []
    for (let at = Date.parse(from); at < Date.parse(to); at += QUARTER) times.push(new Date(at).toISOString())
    return times
  }
  const buckets = async (fleet: Fleet, query: Record<string, string>) =>
    (await read(fleet, query)).data.map(({ bucket, tokens_used }) => [
      bucket.replace(':00.000Z', 'Z'),
      tokens_used,
    ])

  it.each([
    // The clocks go forward: 23 hours.
    ['Europe/Berlin', '2026-03-28T23:00Z', '2026-03-29T22:00Z', 92],
    // And back: 25 hours.
    ['Europe/Berlin', '2026-10-24T22:00Z', '2026-10-25T23:00Z', 100],
    // PostgreSQL alone would take this for UTC+1 all year.
    ['CET', '2026-10-24T22:00Z', '2026-10-25T23:00Z', 100],
    // Half an hour.
    ['Australia/Lord_Howe', '2026-04-04T13:00Z', '2026-04-05T13:30Z', 98],
    ['Asia/Kathmandu', '2026-05-01T18:15Z', '2026-05-02T18:15Z', 96],
    // No midnight: the day begins at one o'clock.
    ['Africa/Cairo', '2026-04-23T22:00Z', '2026-04-24T21:00Z', 92],
    // Two midnights: the day begins at the first.
    ['America/Havana', '2026-11-01T04:00Z', '2026-11-02T05:00Z', 100],
    ['utc', '2026-05-01T00:00Z', '2026-05-02T00:00Z', 96],
  ])('has days as the clocks of %s have them, from %s', async (timezone, start, end, used) => {
    const fleet = await fresh()
    const { id } = await spawn(fleet)
    const [before, after] = [Date.parse(start) - QUARTER, Date.parse(end) + QUARTER].map((ms) =>
      new Date(ms).toISOString(),
    )
    await fill(fleet, id, every(before ?? '', after ?? ''))
    const days = await buckets(fleet, { from: before ?? '', to: after ?? '', bucket: 'day', timezone })
    expect(days.slice(1)).toEqual([
      [start, used],
      [end, 1],
    ])
    expect(days[0]?.[1]).toBe(1)
  })

  it('has both of the hours that come twice, and months of the time zone', async () => {
    const fleet = await fresh()
    const { id } = await spawn(fleet)
    await fill(fleet, id, every('2026-10-25T00:00Z', '2026-10-25T02:00Z'))
    const timezone = 'Europe/Berlin'
    const night = { from: '2026-10-25T00:00:00Z', to: '2026-10-25T02:00:00Z', timezone }
    expect(await buckets(fleet, { ...night, bucket: 'hour' })).toEqual([
      ['2026-10-25T00:00Z', 4],
      ['2026-10-25T01:00Z', 4],
    ])
    await fill(fleet, id, [
      '2026-02-28T22:45Z',
      '2026-02-28T23:00Z',
      '2026-03-31T21:45Z',
      '2026-03-31T22:00Z',
    ])
    const spring = { from: '2026-01-01T00:00:00Z', to: '2026-06-01T00:00:00Z', bucket: 'month', timezone }
    expect(await buckets(fleet, spring)).toEqual([
      ['2026-01-31T23:00Z', 1],
      ['2026-02-28T23:00Z', 2],
      ['2026-03-31T22:00Z', 1],
    ])
    expect(await buckets(fleet, { ...spring, timezone: 'UTC' })).toEqual([
      ['2026-02-01T00:00Z', 2],
      ['2026-03-01T00:00Z', 2],
    ])
    // The bucket begins before what is asked for, and has only that.
    const rest = { from: '2026-03-10T00:00:00Z', to: '2026-04-01T00:00:00Z', bucket: 'month', timezone }
    expect(await buckets(fleet, rest)).toEqual([
      ['2026-02-28T23:00Z', 1],
      ['2026-03-31T22:00Z', 1],
    ])
  })

  it.each([
    ['from', { from: 'yesterday' }],
    ['from', { from: '0001-01-01T00:00:00Z' }],
    ['to', { to: '9999-12-31T23:59:59Z' }],
    ['from', { from: '2026-03-02T00:00:00Z', to: '2026-03-02T00:00:00Z' }],
    ['from', { from: '9000-01-01T00:00:00Z' }],
    ['bucket', { bucket: 'week' }],
    ['timezone', { timezone: 'Mars/Olympus' }],
    ['timezone', { timezone: '+01:00' }],
    ['timezone', { timezone: 'UTC+3' }],
    ['timezone', { timezone: '' }],
    ['group_by', { group_by: 'colour' }],
    ['group_by', { group_by: 'label:' }],
    ['group_by', { group_by: 'label:-a' }],
    ['selector', { selector: 'a in' }],
  ])('refuses a wrong %s: %j', async (field, query) => {
    expect(await ask(await fresh(), query)).toEqual(invalid(field))
  })

  it('is refused to strangers and to runtimes, and of an unknown project', async () => {
    const fleet = await fresh()
    const { id } = await spawn(fleet)
    const { body } = await fleet.rest.post<{ token: string }>(`${fleet.agents}/${id}/token`, {})
    const answer = await fleet.rest.as(body.token).get(`/projects/${fleet.project_id}/usage`)
    expect(answer.status).toBe(403)
    const unknown = await fleet.rest.get(`/projects/${UNKNOWN}/usage`)
    expect(unknown).toEqual(refusal(404, 'SYS_002', { message: `Project ${UNKNOWN} not found` }))
  })

  it('is CSV for those who accept it, with quotes and without formulas', async () => {
    const fleet = await fresh()
    const { id, socket } = await attach(fleet)
    const models = ['=cmd()', '@hub/large', 'a "b", c', 'line\nbreak', 'plain']
    await socket.report(id, {
      n: 1,
      usage: models.map((model) => ({ model, tokens_used: 1, cost_incurred: '0.5' })),
    })
    await socket.report(id, { n: 2, usage: { tokens_used: 1 } })
    const path = `/projects/${fleet.project_id}/usage?bucket=day&group_by=model`
    const asked = (accept: string) =>
      running().app.api.request(
        `/api/v1${path}`,
        { headers: { authorization: `Bearer ${fleet.rest.token}`, accept } },
        {},
      )
    const csv = await asked('text/csv')
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(csv.headers.get('vary')).toContain('Accept')
    const text = await csv.text()
    const zeros = '0,0,0,0,0'
    const day = text.split('\r\n')[1]?.slice(0, 24)
    expect(text).toBe(
      [
        HEADER,
        `${day},'=cmd(),0,1,0.5000,${zeros}`,
        `${day},'@hub/large,0,1,0.5000,${zeros}`,
        `${day},"a ""b"", c",0,1,0.5000,${zeros}`,
        `${day},"line\nbreak",0,1,0.5000,${zeros}`,
        `${day},plain,0,1,0.5000,${zeros}`,
        `${day},,0,1,0.0000,${zeros}`,
        '',
      ].join('\r\n'),
    )
    for (const accept of ['*/*', 'application/json', 'text/csv;q=0.5, application/json', 'image/png'])
      expect((await asked(accept)).headers.get('content-type'), accept).toBe('application/json')
    for (const accept of ['text/csv, */*;q=0.1', 'application/json;q=0.5, text/csv'])
      expect((await asked(accept)).headers.get('content-type'), accept).toContain('text/csv')
  })

  it('refuses more than 10,000 rows', async () => {
    const fleet = await fresh()
    const { id } = await spawn(fleet)
    const start = Date.parse('2025-01-01T00:00Z')
    const hours = Array.from({ length: 10_001 }, (_, n) => new Date(start + n * 3_600_000).toISOString())
    await fill(fleet, id, hours)
    const range = { from: hours[0] ?? '', to: hours.at(-1) ?? '' }
    expect((await read(fleet, range)).data).toHaveLength(10_000)
    const message = 'More than 10,000 rows: ask for less time, longer buckets or fewer groups'
    const more = { ...range, to: '2026-03-01T00:00:00Z' }
    expect(await ask(fleet, more)).toEqual(refusal(422, 'VAL_001', { message, field: null }))
    expect((await read(fleet, { ...more, bucket: 'day' })).data).toHaveLength(417)
  })

  it('is forgotten once it is older than it is kept, in slices', async () => {
    const fleet = await fresh()
    const { id } = await spawn(fleet)
    const now = Date.now()
    const ago = (minutes: number) => new Date(now - minutes * 60_000).toISOString()
    await fill(fleet, id, [...Array.from({ length: 1_500 }, (_, n) => ago(100_000 + n)), ago(50_000), ago(1)])
    const { database } = running().app
    await createUsageRetentionJob(database, 60_000 * 60).run()
    const left = await database.run<{ quarter: string }>(quarters, [id])
    expect(left.map(({ quarter }) => quarter)).toEqual([ago(50_000), ago(1)])
  })
})

describe.each(sharedBackends)('two servers on $name', (backend) => {
  it('record the usage of one agent together', async () => {
    const config = await backend.config()
    const apps = [await startApp(config), await startApp(config)]
    try {
      const urls = await Promise.all(
        apps.map(async (app) => `ws://127.0.0.1:${(await app.listen()).port}/api/v1/ws`),
      )
      const fleets = await Promise.all(apps.map(async (app) => Rest.of(app).signIn()))
      const [rest, other] = fleets
      if (!rest || !other) throw new Error('two servers')
      const fleet = await createFleet(rest)
      const { id } = await spawn(fleet)
      let n = 0
      for (const url of [...urls, ...urls]) {
        const socket = new RuntimeSocket(url, { token: rest.token })
        await socket.next('hello')
        await socket.attach(id)
        const report = () => ({ type: 'report', agent_id: id, n: ++n, usage: { model: 'm', tokens_used: 1 } })
        await socket.answers(Array.from({ length: 25 }, report))
      }
      const path = `/projects/${fleet.project_id}/usage?group_by=model&bucket=month`
      for (const one of [rest, other]) {
        const { body } = await one.get<Report>(path)
        expect(body.data).toMatchObject([{ group: 'm', tokens_used: 100 }])
      }
    } finally {
      for (const app of apps) await app.stop()
    }
  })
})
