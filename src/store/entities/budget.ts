import { defineEntity, p } from '@mikro-orm/core'
import { actions } from '#src/domain/actions.ts'
import type { Actor } from '#src/domain/actor.ts'
import { budgetActions, budgetMetrics, budgetWindows } from '#src/domain/project-budget.ts'
import { column } from './columns.ts'
import { ProjectEntity } from './project.ts'

/** What a project, or a part of it, may use in a window of time, and what it has used in the newest one. */
const schema = defineEntity({
  name: 'Budget',
  tableName: 'budgets',
  indexes: [
    { name: 'budgets_by_project', properties: ['project', 'created_at', 'id'] },
    { name: 'budgets_exceeded', properties: ['resets_at'], where: 'exceeded_at is not null' },
    { name: 'budgets_to_settle', properties: ['id'], where: 'not is_settled' },
  ],
  properties: {
    id: column.id(),
    project: () => p.manyToOne(ProjectEntity).deleteRule('cascade'),
    name: p.string().length(255),
    metric: p.enum(budgetMetrics),
    limit: p.decimal().precision(24).scale(4),
    window: p.enum(budgetWindows),
    timezone: p.string().length(64),
    selector: p.text().nullable(),
    agent_type_id: p.uuid().nullable(),
    agent_id: p.uuid().nullable(),
    warn_at: column.json<number[]>(),
    action: p.enum(budgetActions),
    mode: p.enum(actions.pause.modes),
    spent: p.decimal().precision(24).scale(4).default('0'),
    starts_at: column.time(),
    resets_at: column.time().nullable(),
    warned: column.json<number[]>().default('[]'),
    exceeded_at: column.time().nullable(),
    hold_id: p.uuid().nullable(),
    is_settled: p.boolean().default(true),
    created_by: column.json<Actor>(),
    created_at: column.time(),
  },
})

export class BudgetEntity extends schema.class {}
schema.setClass(BudgetEntity)
