import { defineEntity, p } from '@mikro-orm/core'
import type { Actor } from '#src/domain/actor.ts'
import { requestCauses, requestStates } from '#src/domain/request.ts'
import { AgentEntity } from './agent.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/** What a runtime shows people keeps the order of its keys. */
const text = () => p.json().columnType('json').nullable()

/** A question of an agent to people. It is open until `ended_at`. */
const schema = defineEntity({
  name: 'Request',
  tableName: 'requests',
  properties: {
    id: column.id(),
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade'),
    agent: () => p.manyToOne(AgentEntity).deleteRule('cascade'),
    /** The agent's, which never changes. */
    agent_name: p.string().length(255),
    /** The runtime's own id of it. */
    request_id: p.string().length(128),
    reason: p.string().length(129),
    message: p.text(),
    tool_call: text(),
    options: text(),
    response_schema: text(),
    metadata: column.json<Record<string, unknown>>().nullable(),
    expires_at: column.time().nullable(),
    state: p.enum(requestStates),
    cause: p.enum(requestCauses).nullable(),
    option: p.string().length(64).nullable(),
    payload: column.json<Record<string, unknown>>().nullable(),
    note: p.text().nullable(),
    answered_by: column.json<Actor>().nullable(),
    created_at: column.time(),
    ended_at: column.time().nullable(),
    /** The number of the event that ended it. */
    ended_seq: p.bigint('number').nullable(),
    /** The signal that tells the runtime how it ended. */
    signal_id: p.uuid().nullable(),
    /** Its size as JSON when it was opened. */
    bytes: p.integer(),
  },
  uniques: [{ name: 'requests_by_runtimes_id', properties: ['agent', 'request_id'] }],
  indexes: [
    { name: 'requests_open', properties: ['project', 'created_at', 'id'], where: 'ended_at is null' },
    { name: 'requests_open_of_agent', properties: ['agent', 'created_at', 'id'], where: 'ended_at is null' },
    {
      name: 'requests_to_expire',
      properties: ['expires_at'],
      where: 'ended_at is null and expires_at is not null',
    },
    { name: 'requests_ended', properties: ['project', 'ended_at', 'id'], where: 'ended_at is not null' },
    { name: 'requests_to_forget', properties: ['ended_at'], where: 'ended_at is not null' },
  ],
})

export class RequestEntity extends schema.class {}
schema.setClass(RequestEntity)
