import type { environment } from './config.ts'

/** What each variable is for. `unset`: what holds without it, where the schema has no default. */
type Meaning = { unset?: string; meaning: string }

export const variableMeanings = {
  NODE_ENV: { meaning: '`production` requires `SECRET_KEY`' },
  HOST: { meaning: 'the address to listen on; `0.0.0.0` for all' },
  PORT: { meaning: 'the port to listen on' },
  DATABASE_URL: {
    unset: 'PGlite in `DATA_DIR`',
    meaning: '`postgresql://…`, of a database that exists; parameters such as `sslmode` take effect',
  },
  DATABASE_POOLER: {
    unset: 'none',
    meaning:
      '`transaction`: a pooler in transaction mode, such as PgBouncer, is in front of PostgreSQL ([PostgreSQL and poolers](database.md))',
  },
  DATA_DIR: {
    meaning: 'the folder of the embedded parts, for one process at a time; its file system must have locks',
  },
  REDIS_URL: {
    unset: 'in-process',
    meaning:
      '`redis://…`, needed by more than one process; several nodes, or `redis+cluster://…`, for a cluster ([Deployment](deploy.md#redis))',
  },
  SECRET_KEY: {
    unset: 'made once, kept in `DATA_DIR`',
    meaning:
      'at least 32 characters, the same on all replicas; required with `REDIS_URL` or `NODE_ENV=production`; several, separated by commas, while it is changed ([Security](security.md#secrets))',
  },
  ADMIN_EMAIL: {
    unset: '`admin@localhost`',
    meaning: 'the first superuser, if there is no user; else ignored',
  },
  ADMIN_PASSWORD: {
    unset: 'random, printed once',
    meaning: 'the password of the first superuser; `signalbox users reset-superuser` makes a new one later',
  },
  RATE_LIMIT_MULTIPLIER: {
    meaning: 'multiplies every limit of requests; limits count by IPv4 address, or by the /64 of an IPv6 one',
  },
  TRUST_PROXY: { meaning: 'the number of trusted proxies in front' },
  ALLOWED_ORIGINS: { unset: 'none', meaning: 'other origins that browsers may come from, comma-separated' },
  PUBLIC_URL: {
    unset: 'where a webhook was created',
    meaning:
      'where people reach the deployment, such as `https://signalbox.example.org`; webhooks link to it',
  },
  WEBHOOK_ALLOWED_NETWORKS: {
    unset: 'none',
    meaning: 'private networks that may get webhooks, such as `10.1.0.0/16`, comma-separated',
  },
  EVENT_RETENTION: {
    meaning: 'how long events are kept: a number with `s`, `m`, `h` or `d`, at most `36500d`',
  },
  REQUEST_RETENTION: { meaning: 'how long ended requests are kept, in the same form' },
  USAGE_RETENTION: {
    meaning: 'how long [usage](usage.md) is kept, by quarter-hours; written as above',
  },
  LOG_LEVEL: {
    unset: '`info`; as text `warn`',
    meaning: '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`',
  },
  LOG_FORMAT: {
    unset: '`text` on a terminal, else `json`',
    meaning: '`json`: a line for each event and request; `text`: how to sign in, then problems, for people',
  },
  OTEL_SDK_DISABLED: { meaning: '`true` turns traces off' },
  OTEL_TRACES_EXPORTER: {
    unset: '`otlp` with an endpoint, else `none`',
    meaning: '`otlp`, `console` or `none`',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: { unset: 'none', meaning: 'where traces go' },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: { unset: 'none', meaning: 'the same, for traces alone' },
  OTEL_EXPORTER_OTLP_PROTOCOL: { meaning: '`http/protobuf` or `http/json`' },
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: { unset: 'as above', meaning: 'the same, for traces alone' },
  OTEL_TRACES_SAMPLER: { meaning: 'which traces are recorded' },
  OTEL_TRACES_SAMPLER_ARG: { meaning: 'the share of traces for the ratio samplers' },
  OTEL_BSP_SCHEDULE_DELAY: { meaning: 'how long spans may wait to be sent in one batch, in ms' },
  OTEL_RESOURCE_ATTRIBUTES: {
    unset: 'none',
    meaning: 'pairs such as `deployment.environment=staging`, comma-separated',
  },
} as const satisfies Record<keyof typeof environment.entries, Meaning>
