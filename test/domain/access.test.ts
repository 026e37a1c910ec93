import { describe, expect, it } from 'vitest'
import { assertAllowed, assertAllowedAnywhere } from '#src/domain/access.ts'

describe('a refusal for want of rights', () => {
  it('tells a member its role, and a stranger only that the project is not theirs', () => {
    expect(() => assertAllowed('viewer', 'control_agent')).toThrow('Your role (viewer) may not do this')
    expect(() => assertAllowed('runtime', 'spawn_agent')).toThrow('Your role (runtime) may not do this')
    expect(() => assertAllowed(undefined, 'read_agent')).toThrow('You do not have access to this project')
  })

  it('outside of projects tells a principal its role', () => {
    const user = { kind: 'user', id: 'x', role: 'user' } as const
    expect(() => assertAllowedAnywhere(user, 'manage_users')).toThrow('Your role (user) may not do this')
  })
})
