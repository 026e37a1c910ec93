/** What the audit trail tells of. A new action is a word here. */
export const auditActions = [
  'signed_in',
  'sign_in_failed',
  'signed_out',
  'session_reused',
  'user_created',
  'user_updated',
  'password_changed',
  'member_set',
  'member_removed',
  'key_created',
  'key_revoked',
  'agent_token_issued',
  'webhook_created',
  'webhook_updated',
  'webhook_deleted',
  'webhook_secret_rotated',
  'webhook_disabled',
] as const
export type AuditAction = (typeof auditActions)[number]
