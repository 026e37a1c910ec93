import type * as v from 'valibot'
import { type ErrorKind, errorCodes } from '#src/domain/errors.ts'
import { version } from '../version.ts'
import { TOKEN_HEADER } from './bounds.ts'
import { type Json, toComponents, toReferring, toSchema } from './json-schema.ts'
import type { DocumentedRoute } from './route.ts'
import { API_BASE } from './router.ts'
import { answerSchemas, bodySchemas } from './schemas.ts'

type Table = Record<string, { schema: v.GenericSchema; example: object }>

const answers = schemasOf(answerSchemas)
const bodies = schemasOf(bodySchemas)

/** The OpenAPI 3.1 document, made from the routes and their validators. */
export function createOpenApi(routes: readonly DocumentedRoute[]): Json {
  const paths: Record<string, Json> = {}
  for (const route of routes) {
    const path = API_BASE + route.path
    paths[path] = { ...paths[path], [route.method]: toOperation(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Signalbox',
      version,
      description:
        'The real-time control plane for fleets of AI agents: see every agent, pause, resume or terminate any of them, and know that it obeyed.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: {
        ...withExamples(toComponents(answers, 'output'), answerSchemas),
        ...withExamples(toComponents(bodies, 'input'), bodySchemas),
      },
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An access token, an API key, or the token of an agent',
        },
        signalbox_token: {
          type: 'apiKey',
          in: 'header',
          name: TOKEN_HEADER,
          description: 'The token of an agent, or a runtime key; it leaves Authorization to others',
        },
      },
    },
  }
}

function schemasOf(table: Table): Record<string, v.GenericSchema> {
  return Object.fromEntries(Object.entries(table).map(([name, { schema }]) => [name, schema]))
}

function withExamples(components: Record<string, Json>, table: Table): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(components).map(([name, schema]) => [
      name,
      { ...schema, examples: [table[name]?.example] },
    ]),
  )
}

function toOperation(route: DocumentedRoute): Json {
  const { success } = route
  return {
    operationId: route.operation_id,
    summary: route.summary,
    ...(route.description !== undefined && { description: route.description }),
    tags: [route.tag],
    security: toSecurity(route),
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(route.body && {
      requestBody: {
        required: !route.is_body_optional,
        content: { 'application/json': { schema: toReferring(route.body, 'input', bodies) } },
      },
    }),
    responses: {
      [success.status]: {
        description: success.description,
        ...(success.schema && {
          content: {
            'application/json': { schema: toReferring(success.schema, 'output', answers) },
            ...(success.has_csv && { 'text/csv': { schema: { type: 'string' } } }),
          },
        }),
      },
      ...(success.or_nothing !== undefined && { 204: { description: success.or_nothing } }),
      ...Object.fromEntries(
        errorStatuses(route).map((status) => [status, toErrorResponse(refusals[status])]),
      ),
    },
  }
}

function toSecurity({ access, has_token_header }: DocumentedRoute): Json[] {
  if (access === 'public') return []
  return has_token_header ? [{ signalbox_token: [] }, { bearer: [] }] : [{ bearer: [] }]
}

type Refusal = { description: string; kind: ErrorKind; message: string; field?: string }

/** Each status of a refusal, with an example. */
const refusals = {
  400: { description: 'The body is not JSON', kind: 'not_json', message: 'The body is not JSON' },
  401: {
    description: 'The credentials are missing, expired or wrong',
    kind: 'expired_token',
    message: 'The access token has expired',
  },
  403: {
    description: 'The caller may not do this',
    kind: 'forbidden',
    message: 'Your role (viewer) may not do this',
  },
  404: {
    description: 'The resource does not exist',
    kind: 'not_found',
    message: 'Project 0199c2a4-7d10-7c3e-9a51-3f0d6b8e4c21 not found',
  },
  409: {
    description: 'The request conflicts with what exists',
    kind: 'conflict',
    message: 'A project with this slug exists already',
    field: 'slug',
  },
  410: {
    description: 'The events are no longer kept, or belong to another epoch',
    kind: 'gone',
    message: 'Events up to 1200 are no longer kept; the oldest is 1201',
    field: 'after',
  },
  413: {
    description: 'The body is too large',
    kind: 'too_large',
    message: 'The body is larger than 262144 bytes',
  },
  415: {
    description: 'The body is not application/json',
    kind: 'wrong_media_type',
    message: 'The body must be application/json',
  },
  422: {
    description: 'A value in the request is not valid, or the lifecycle does not allow the change',
    kind: 'invalid',
    message: 'Cannot transition from paused to working',
    field: 'status',
  },
  429: {
    description: 'The rate limit is exceeded; Retry-After says when to try again',
    kind: 'rate_limited',
    message: 'Rate limit exceeded: 60 per minute',
  },
  503: {
    description: 'The server cannot reach its database; Retry-After says when to try again',
    kind: 'unavailable',
    message: 'The database cannot be reached',
  },
} as const satisfies Record<number, Refusal>

type RefusalStatus = keyof typeof refusals

function toErrorResponse({ description, kind, message, field }: Refusal): Json {
  const example = { success: false, errors: [{ code: errorCodes[kind], message, field: field ?? null }] }
  return {
    description,
    content: {
      'application/json': { schema: toReferring(answerSchemas.Error.schema, 'output', answers), example },
    },
  }
}

const readsOldEvents = ['list_events', 'list_agents_at']

function errorStatuses(route: DocumentedRoute): RefusalStatus[] {
  const always: RefusalStatus[] = [401, 403, 404, 422, 429, 503]
  const withBody: RefusalStatus[] = route.body ? [400, 409, 413, 415] : []
  const busy: RefusalStatus[] = route.operation_id === 'delete_project' ? [409] : []
  const gone: RefusalStatus[] = readsOldEvents.includes(route.operation_id) ? [410] : []
  return [...always, ...withBody, ...busy, ...gone]
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string', format: 'uuid' },
  }))
}

function queryParameters(query: v.GenericSchema | undefined): Json[] {
  if (!query) return []
  const { properties = {}, required = [] } = toSchema(query, 'input') as {
    properties?: Record<string, Json>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema,
  }))
}
