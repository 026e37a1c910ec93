/**
 * The limit of a REST server here: `node:http` and `pg`, one statement a request, prepared by name, and nothing
 * else. Its own tables, with a row as wide as an agent's.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.argv[2], max: 10 })

const statements = {
  get: 'select * from bench_agents where id = $1',
  list: 'select * from bench_agents where project_id = $1 order by created_at desc, id desc limit 20',
  'list-json': `select json_agg(a)::text as json from (select * from bench_agents where project_id = $1
         order by created_at desc, id desc limit 20) a`,
  // Check, change, number, log, answer: what a transition cannot do without.
  move: `with moved as (
      update bench_agents set status = case status when 'idle' then 'paused' else 'idle' end, updated_at = now()
      where id = $1 returning *
    ), numbered as (
      update bench_projects p set event_seq = event_seq + 1 from moved where p.id = moved.project_id
      returning p.id, p.event_seq
    ), logged as (
      insert into bench_events (project_id, seq, frame)
      select numbered.id, numbered.event_seq, row_to_json(moved) from numbered, moved
    )
    select row_to_json(moved)::text as json from moved`,
} as const

const server = createServer(async (request, response) => {
  const [, name = '', id] = (request.url ?? '').split('/')
  const { rows } = await pool.query({ name, text: statements[name as keyof typeof statements], values: [id] })
  const body = Buffer.from(rows[0]?.json ?? JSON.stringify(rows))
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body)
})
server.listen(0, '127.0.0.1', () => console.log(`ready on ${(server.address() as AddressInfo).port}`))
