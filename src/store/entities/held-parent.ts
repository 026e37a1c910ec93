import { defineEntity, p } from '@mikro-orm/core'
import { HoldEntity } from './hold.ts'

/** An agent whose children have yet to follow a pause by a hold. Agents are deleted only with their project and its holds. */
const schema = defineEntity({
  name: 'HeldParent',
  tableName: 'held_parents',
  primaryKeys: ['hold', 'agent_id'],
  properties: {
    hold: () => p.manyToOne(HoldEntity).primary().deleteRule('cascade'),
    agent_id: p.uuid().primary(),
    /** The agent that the hold has paused, itself or above it. */
    by_id: p.uuid(),
    /** The last child that was looked at. */
    after_id: p.uuid().nullable(),
  },
})

export class HeldParentEntity extends schema.class {}
schema.setClass(HeldParentEntity)
