import { ActivityEntity } from './activity.ts'
import { AgentEntity } from './agent.ts'
import { AgentTypeEntity } from './agent-type.ts'
import { ApiKeyEntity } from './api-key.ts'
import { AuditEntryEntity } from './audit-entry.ts'
import { BudgetEntity } from './budget.ts'
import { BudgetPeriodEntity } from './budget-period.ts'
import { EventEntity } from './event.ts'
import { HeldParentEntity } from './held-parent.ts'
import { HoldEntity } from './hold.ts'
import { IdempotentAnswerEntity } from './idempotent-answer.ts'
import { IssueEntity } from './issue.ts'
import { ProjectEntity } from './project.ts'
import { ProjectMemberEntity } from './project-member.ts'
import { RefreshTokenEntity } from './refresh-token.ts'
import { ReplicaEntity } from './replica.ts'
import { RequestEntity } from './request.ts'
import { SignalEntity } from './signal.ts'
import { UsageEntity } from './usage.ts'
import { UserEntity } from './user.ts'
import { WebhookEntity } from './webhook.ts'

export {
  ActivityEntity,
  AgentEntity,
  AgentTypeEntity,
  ApiKeyEntity,
  AuditEntryEntity,
  BudgetEntity,
  BudgetPeriodEntity,
  EventEntity,
  HeldParentEntity,
  HoldEntity,
  IdempotentAnswerEntity,
  IssueEntity,
  ProjectEntity,
  ProjectMemberEntity,
  RefreshTokenEntity,
  ReplicaEntity,
  RequestEntity,
  SignalEntity,
  UsageEntity,
  UserEntity,
  WebhookEntity,
}

/** The whole schema; the migrations are made from it, and a test compares the two. */
export const entities = [
  UserEntity,
  RefreshTokenEntity,
  ProjectEntity,
  AgentTypeEntity,
  AgentEntity,
  EventEntity,
  SignalEntity,
  IssueEntity,
  ApiKeyEntity,
  ReplicaEntity,
  ProjectMemberEntity,
  AuditEntryEntity,
  IdempotentAnswerEntity,
  WebhookEntity,
  RequestEntity,
  UsageEntity,
  HoldEntity,
  HeldParentEntity,
  BudgetEntity,
  BudgetPeriodEntity,
  ActivityEntity,
]
