import { placeGlobalHold, placeHoldByOrder } from '#src/commands/holds.ts'
import { releaseHold } from '#src/commands/release-hold.ts'
import { untilSettled } from '#src/commands/settle-holds.ts'
import type { Principal } from '#src/domain/access.ts'
import { notFound } from '#src/domain/errors.ts'
import { countedResult } from '#src/protocol/agents.ts'
import { hold, listHoldsQuery, placeHoldBody, releaseHoldBody } from '#src/protocol/holds.ts'
import { findHold, listHolds, readHoldCounts } from '#src/store/holds.ts'
import { limits } from '../bounds.ts'
import type { HttpContext } from '../context.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Holds'
const inProject = '/projects/{project_id}/holds'
const ofHold = '/projects/{project_id}/holds/{hold_id}'
const everywhere = '/holds'

const placing =
  'From the moment that it is committed, no agent that matches is spawned, registered, relabelled or resumed into anything but `paused`. The answer comes once all that match are paused, with their descendants.'
const releasing =
  'Resumes the agents that no other hold applies to and that holds have paused. An agent that a person paused stays paused. With `over_seconds` the answer comes at once, and they resume one after the other.'
const released = {
  status: 200,
  schema: countedResult,
  description: 'The hold has been released; `affected_count` agents resume',
} as const
const placed = { status: 201, schema: hold, description: 'The hold' } as const
const operations = { global: 'manage_global_holds', read: 'read_holds', place: 'place_hold' } as const

/** Stops that also cover what comes later, in one project or in all. */
export function holdRoutes(): Route[] {
  return [...projectRoutes(), ...globalRoutes()]
}

function projectRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'place_hold',
      summary: 'Pause all agents that match, also those that come later',
      description: placing,
      tag,
      limit: limits.write,
      access: operations.place,
      body: placeHoldBody,
      success: placed,
      async handle({ context, params: { project_id }, body, principal, c }) {
        const standing = await placeHoldByOrder(context, { project_id, principal }, body)
        c.header('Location', `/api/v1/projects/${project_id}/holds/${standing.id}`)
        return standing
      },
      settle: settlePlaced,
    }),
    defineList({
      path: inProject,
      operation_id: 'list_holds',
      summary: 'List the holds of a project',
      tag,
      limit: limits.read,
      access: operations.read,
      query: listHoldsQuery,
      item: hold,
      description: 'Holds, newest first',
      read: ({ context, params: { project_id }, query: { active } }, range) =>
        listHolds(context.database, { project_id, active }, range),
    }),
    defineRoute({
      method: 'get',
      path: ofHold,
      operation_id: 'get_hold',
      summary: 'Get a hold',
      tag,
      limit: limits.read,
      access: operations.read,
      success: { status: 200, schema: hold, description: 'The hold' },
      async handle({ context, params }) {
        const found = await findHold(context.database, params)
        if (!found) throw notFound.hold(params.hold_id, params.project_id)
        return found
      },
    }),
    defineRoute({
      method: 'delete',
      path: ofHold,
      operation_id: 'release_hold',
      summary: 'Release a hold',
      description: releasing,
      tag,
      limit: limits.write,
      access: operations.place,
      body: releaseHoldBody,
      is_body_optional: true,
      success: released,
      handle: ({ context, params, body, principal }) => release(context, { ...params, principal }, body),
    }),
  ]
}

function globalRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: everywhere,
      operation_id: 'place_global_hold',
      summary: 'Place the same hold in every project, also in those that are created while it stands',
      description: placing,
      tag,
      limit: limits.write,
      access: operations.global,
      body: placeHoldBody,
      success: placed,
      handle: ({ context, body, principal }) => placeGlobalHold(context, principal, body),
      settle: settlePlaced,
    }),
    defineList({
      path: everywhere,
      operation_id: 'list_global_holds',
      summary: 'List the holds of all projects',
      tag,
      limit: limits.read,
      access: operations.global,
      query: listHoldsQuery,
      item: hold,
      description: 'Holds, newest first',
      read: ({ context, query: { active } }, range) =>
        listHolds(context.database, { project_id: null, active }, range),
    }),
    defineRoute({
      method: 'delete',
      path: `${everywhere}/{hold_id}`,
      operation_id: 'release_global_hold',
      summary: 'Release a hold of all projects, in each of them',
      description: releasing,
      tag,
      limit: limits.write,
      access: operations.global,
      body: releaseHoldBody,
      is_body_optional: true,
      success: released,
      handle: ({ context, params, body, principal }) =>
        release(context, { ...params, project_id: null, principal }, body),
    }),
  ]
}

/** What a repeated request with the same Idempotency-Key waits for, too. */
async function settlePlaced<Placed extends { id: string }>(
  context: HttpContext,
  standing: Placed,
): Promise<Placed & { affected_count: number }> {
  await untilSettled(context, standing.id)
  const { placed: affected_count } = await readHoldCounts(context.database, standing.id)
  return { ...standing, affected_count }
}

async function release(
  context: HttpContext,
  target: { hold_id: string; project_id: string | null; principal: Principal },
  { over_seconds }: { over_seconds: number | null },
) {
  await releaseHold(context, target, over_seconds ?? 0)
  await untilSettled(context, target.hold_id)
  const { resumed: affected_count } = await readHoldCounts(context.database, target.hold_id)
  const agents = affected_count === 1 ? '1 agent resumes' : `${affected_count} agents resume`
  return { success: true, message: `The hold has been released: ${agents}`, affected_count }
}
