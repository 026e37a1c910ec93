export const actorKinds = ['user', 'api_key', 'runtime', 'system'] as const

/** Who caused a change. `id` is null for the system itself. */
export type Actor = { kind: (typeof actorKinds)[number]; id: string | null }

export const system: Actor = { kind: 'system', id: null }
