import * as v from 'valibot'
import { uuid } from '../values.ts'

/** Who a connection belongs to, as the wire shows it. */
export const principal = v.strictObject({
  kind: v.picklist(['user', 'api_key', 'runtime']),
  id: uuid,
  role: v.picklist(['superuser', 'user', 'operator', 'viewer', 'runtime']),
})

export type WirePrincipal = v.InferOutput<typeof principal>
