import { defineEntity, p } from '@mikro-orm/core'
import { BudgetEntity } from './budget.ts'
import { column } from './columns.ts'

/** A past window of a budget, in which something was used. */
const schema = defineEntity({
  name: 'BudgetPeriod',
  tableName: 'budget_periods',
  primaryKeys: ['budget', 'starts_at'],
  properties: {
    budget: () => p.manyToOne(BudgetEntity).primary().deleteRule('cascade'),
    starts_at: column.time().primary(),
    ends_at: column.time(),
    spent: p.decimal().precision(24).scale(4),
    limit: p.decimal().precision(24).scale(4),
    exceeded_at: column.time().nullable(),
  },
})

export class BudgetPeriodEntity extends schema.class {}
schema.setClass(BudgetPeriodEntity)
