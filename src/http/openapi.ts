import type * as v from 'valibot'
import { errors } from '#src/protocol/resources.ts'
import { version } from '../version.ts'
import { type Json, toSchema } from './json-schema.ts'
import type { Route } from './route.ts'
import { API_BASE } from './router.ts'

/** The OpenAPI 3.1 document, made from the routes and their validators. */
export function createOpenApi(routes: readonly Route[]): Json {
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
      description: 'The real-time control plane for fleets of AI agents.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Errors: toSchema(errors, 'output') },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  }
}

function toOperation(route: Route): Json {
  const { success } = route
  return {
    operationId: route.operation_id,
    summary: route.summary,
    tags: [route.tag],
    security: route.access === 'public' ? [] : [{ bearer: [] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(route.body && {
      requestBody: {
        required: !route.is_body_optional,
        content: { 'application/json': { schema: toSchema(route.body, 'input') } },
      },
    }),
    responses: {
      [success.status]: {
        description: success.description,
        ...(success.schema && {
          content: { 'application/json': { schema: toSchema(success.schema, 'output') } },
        }),
      },
      ...Object.fromEntries(errorStatuses(route).map((status) => [status, errorResponses[status]])),
    },
  }
}

const refusals = {
  400: 'The body is not JSON',
  401: 'No credentials, or not valid ones',
  403: 'Not permitted',
  404: 'Unknown resource',
  409: 'It conflicts with what exists',
  410: 'Events that are no longer kept',
  413: 'The body is too large',
  415: 'The body is not application/json',
  422: 'Something in the request is not valid, or the lifecycle does not allow it',
  429: 'Rate limit exceeded; see Retry-After',
  503: 'The database cannot be reached; see Retry-After',
} as const

type RefusalStatus = keyof typeof refusals

const errorResponses = Object.fromEntries(
  Object.entries(refusals).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: { $ref: '#/components/schemas/Errors' } } } },
  ]),
) as Partial<Record<number, Json>>

function errorStatuses(route: Route): RefusalStatus[] {
  const always: RefusalStatus[] = [401, 403, 404, 422, 429, 503]
  const withBody: RefusalStatus[] = route.body ? [400, 409, 413, 415] : []
  const busy: RefusalStatus[] = route.operation_id === 'delete_project' ? [409] : []
  const gone: RefusalStatus[] = route.operation_id === 'list_events' ? [410] : []
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
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}
