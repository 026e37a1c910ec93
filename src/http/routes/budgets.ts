import { createBudget, deleteBudget, updateBudget } from '#src/commands/budgets.ts'
import { notFound } from '#src/domain/errors.ts'
import { type FoundBudget, toBudget, toNow, toShownPeriod } from '#src/domain/spending.ts'
import { message } from '#src/protocol/agents.ts'
import { budget, budgetWindow, createBudgetBody, updateBudgetBody } from '#src/protocol/budgets.ts'
import { pageQuery } from '#src/protocol/resources.ts'
import { findBudget, listBudgetPeriods, listBudgets } from '#src/store/budgets.ts'
import { limits } from '../bounds.ts'
import type { HttpContext } from '../context.ts'
import { defineList } from '../list.ts'
import { defineRoute, type Route } from '../route.ts'

const tag = 'Budgets'
const inProject = '/projects/{project_id}/budgets'
const ofBudget = '/projects/{project_id}/budgets/{budget_id}'
const oneBudget = { status: 200, schema: budget, description: 'The budget' } as const

/** What projects and parts of them may use in a window of time. */
export function budgetRoutes(): Route[] {
  return [...readRoutes(), ...writeRoutes()]
}

function readRoutes(): Route[] {
  return [
    defineList({
      path: inProject,
      operation_id: 'list_budgets',
      summary: 'List the budgets of a project and what is spent of them',
      tag,
      limit: limits.read,
      access: 'read_budgets',
      query: pageQuery,
      item: budget,
      description: 'Budgets in their windows of now, newest first',
      async read({ context: { database, clock }, params: { project_id } }, range) {
        const { rows, ...end } = await listBudgets(database, project_id, { ...range, at: clock() })
        return { rows: rows.map(show), ...end }
      },
    }),
    defineRoute({
      method: 'get',
      path: ofBudget,
      operation_id: 'get_budget',
      summary: 'Get a budget and what is spent of it',
      tag,
      limit: limits.read,
      access: 'read_budgets',
      success: oneBudget,
      handle: async ({ context, params }) => show(await find(context, params)),
    }),
    defineList({
      path: '/projects/{project_id}/budgets/{budget_id}/windows',
      operation_id: 'list_budget_windows',
      summary: 'List the past windows of a budget in which something was used; 400 are kept',
      tag,
      limit: limits.read,
      access: 'read_budgets',
      query: pageQuery,
      item: budgetWindow,
      description: 'Past windows, newest first',
      async read({ context, params }, range) {
        const { metric } = (await find(context, params)).budget
        const { database, clock } = context
        const { rows, ...end } = await listBudgetPeriods(database, params.budget_id, {
          ...range,
          at: clock(),
        })
        return { rows: rows.map((period) => toShownPeriod(period, metric)), ...end }
      },
    }),
  ]
}

function writeRoutes(): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: inProject,
      operation_id: 'create_budget',
      summary: 'Limit what a project or a part of it may use',
      description:
        'The scope is the whole project, what `selector` and `agent_type_id` match, or `agent_id` with all its descendants. What was used before does not count.',
      tag,
      limit: limits.write,
      access: 'manage_budgets',
      body: createBudgetBody,
      success: { status: 201, schema: budget, description: 'The budget' },
      handle: ({ context, principal, params, body }) => createBudget(context, { ...params, principal }, body),
    }),
    defineRoute({
      method: 'patch',
      path: ofBudget,
      operation_id: 'update_budget',
      summary: 'Change the name, the limit, the warnings or the action of a budget',
      description:
        'A limit at or below what is spent acts at once. One above it ends the stop: what the budget has paused is resumed.',
      tag,
      limit: limits.write,
      access: 'manage_budgets',
      body: updateBudgetBody,
      success: oneBudget,
      handle: ({ context, principal, params, body }) => updateBudget(context, { ...params, principal }, body),
    }),
    defineRoute({
      method: 'delete',
      path: ofBudget,
      operation_id: 'delete_budget',
      summary: 'Delete a budget; what it has paused is resumed',
      tag,
      limit: limits.write,
      access: 'manage_budgets',
      success: { status: 200, schema: message, description: 'The budget has been deleted' },
      async handle({ context, principal, params }) {
        await deleteBudget(context, { ...params, principal })
        return { success: true, message: 'The budget has been deleted' }
      },
    }),
  ]
}

async function find(
  { database, clock }: HttpContext,
  params: { project_id: string; budget_id: string },
): Promise<FoundBudget> {
  const found = await findBudget(database, params, clock())
  if (!found) throw notFound.budget(params.budget_id, params.project_id)
  return found
}

const show = (found: FoundBudget) => toBudget(toNow(found).budget)
