import * as v from 'valibot'
import { SUBPROTOCOL } from '../bounds.ts'
import { count, field } from '../values.ts'
import { frame } from './frame.ts'
import { principal } from './principal.ts'

export const hello = frame(
  'hello',
  'The first frame of a connection: the protocol, the server, and who the client is by its upgrade.',
  {
    protocol: field(v.literal(SUBPROTOCOL), 'The subprotocol of this connection'),
    server: field(
      v.strictObject({ version: v.string(), instance: v.string() }),
      'The version of Signalbox, and which of its processes this is',
    ),
    heartbeat_ms: field(count, 'How often the server pings'),
    principal: field(v.nullable(principal), 'Null if the upgrade carried no credentials: send `auth`'),
  },
  {
    protocol: SUBPROTOCOL,
    server: { version: '0.1.0', instance: '3c0b6a52-8a5e-4f0e-9f5d-6b1d2c7e9a10' },
    heartbeat_ms: 15_000,
    principal: null,
  },
)
