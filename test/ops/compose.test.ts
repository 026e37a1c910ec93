import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { describe, expect, inject, it } from 'vitest'
import { variableNames } from '#src/config/config.ts'
import { pinnedImage, readYaml, root } from './yaml-files.ts'

const texts = v.optional(v.array(v.string()), [])
const variables = v.optional(v.record(v.string(), v.string()), {})
/** Strict, since a field that is missing here may be one that compose does not know. */
const service = v.strictObject({
  image: v.optional(v.string()),
  build: v.optional(v.literal('.')),
  user: v.optional(v.pipe(v.string(), v.regex(/^\d+:\d+$/))),
  init: v.optional(v.boolean()),
  restart: v.literal('unless-stopped'),
  read_only: v.literal(true),
  cap_drop: v.tuple([v.literal('ALL')]),
  security_opt: v.tuple([v.literal('no-new-privileges:true')]),
  tmpfs: texts,
  profiles: texts,
  command: texts,
  environment: variables,
  volumes: texts,
  ports: texts,
  depends_on: v.optional(
    v.record(v.string(), v.strictObject({ condition: v.literal('service_healthy') })),
    {},
  ),
  stop_grace_period: v.optional(v.pipe(v.string(), v.regex(/^\d+s$/))),
  healthcheck: v.optional(
    v.strictObject({
      test: v.array(v.string()),
      interval: v.pipe(v.string(), v.regex(/^\d+s$/)),
      retries: v.optional(v.number()),
    }),
  ),
})
const compose = v.looseObject({
  services: v.record(v.string(), service),
  volumes: v.record(v.string(), v.null()),
})
const { services, volumes } = readYaml('docker-compose.yml', compose)
const { docker_compose } = inject('programs')
const all = Object.entries(services)
const builtServices = all.filter(([, { build }]) => build)
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')

describe('docker-compose.yml', () => {
  it.skipIf(!docker_compose)('is valid for docker-compose with the secrets, and invalid without', () => {
    const check = (SECRET_KEY: string, POSTGRES_PASSWORD: string) =>
      execFileSync(docker_compose ?? '', ['--profile', 'monitoring', 'config', '--quiet'], {
        cwd: root,
        env: { PATH: process.env.PATH, SECRET_KEY, POSTGRES_PASSWORD },
        stdio: 'pipe',
      })
    check('one', 'another')
    expect(() => check('one', '')).toThrow('make .env first')
    expect(() => check('', 'another')).toThrow('make .env first')
  })

  it('names fixed versions of images, and only services, volumes and files that exist', () => {
    expect(builtServices.map(([name]) => name)).toEqual(['signalbox-1', 'signalbox-2'])
    for (const [, { image, build }] of all) expect(build ?? image).toMatch(build ? /^\.$/ : pinnedImage)
    for (const [, { depends_on, build }] of all) {
      for (const needed of Object.keys(depends_on)) {
        // Waiting for health needs a check in the service or in the Dockerfile.
        expect(services[needed]?.healthcheck ?? services[needed]?.build, needed).toBeDefined()
        expect(build && services[needed]?.profiles.length).toBeFalsy()
      }
    }
    const mounts = all.flatMap(([, found]) => found.volumes.map((mount) => mount.split(':')[0] ?? ''))
    for (const mount of mounts.filter((found) => found.startsWith('.'))) {
      expect(statSync(join(root, mount)).size).toBeGreaterThan(0)
    }
    expect(new Set(mounts.filter((found) => !found.startsWith('.')))).toEqual(new Set(Object.keys(volumes)))
  })

  it('sets only variables that the server reads, and contains no secret', () => {
    for (const [, { environment }] of builtServices) {
      expect(Object.keys(environment).filter((name) => !variableNames.includes(name))).toEqual([])
    }
    const secrets = all.flatMap(([, { environment }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|SECRET/.test(name)),
    )
    expect(secrets.length).toBeGreaterThan(0)
    for (const [name, value] of secrets) expect(value, name).toMatch(/^\$\{[A-Z_]+(:\?[^}]+|:-)\}$/)
    expect(text).not.toMatch(/:-[a-z][^}]*\}@/)
    expect(readFileSync(join(root, '.gitignore'), 'utf8').split('\n')).toContain('.env')
  })

  it('opens only the load balancer to the network', () => {
    const open = all.flatMap(([name, { ports }]) => ports.map((port) => [name, port] as const))
    const outside = open.filter(([, port]) => !port.startsWith('127.0.0.1:'))
    expect(outside).toEqual([['load-balancer', '8080:8080']])
  })

  it('monitors both replicas on request, with rules and dashboards from their folders', () => {
    const monitoring = all.filter(([, { profiles }]) => profiles.includes('monitoring')).map(([name]) => name)
    expect(monitoring).toEqual(['prometheus', 'grafana'])
    const prometheus = readYaml(
      'ops/prometheus/prometheus.yml',
      v.looseObject({
        rule_files: v.array(v.string()),
        scrape_configs: v.tuple([
          v.looseObject({ static_configs: v.tuple([v.looseObject({ targets: v.array(v.string()) })]) }),
        ]),
      }),
    )
    expect(prometheus.rule_files).toEqual(['alerts.yml'])
    const [{ static_configs }] = prometheus.scrape_configs
    expect(static_configs[0].targets).toEqual(builtServices.map(([name]) => `${name}:8080`))
    const source = v.looseObject({ type: v.literal('prometheus'), uid: v.string(), url: v.string() })
    const { datasources } = readYaml(
      'ops/grafana/provisioning/datasources/prometheus.yml',
      v.looseObject({ datasources: v.tuple([source]) }),
    )
    expect(datasources[0].url).toBe('http://prometheus:9090')
    const provider = v.looseObject({ options: v.looseObject({ path: v.string() }) })
    const { providers } = readYaml(
      'ops/grafana/provisioning/dashboards/signalbox.yml',
      v.looseObject({ providers: v.tuple([provider]) }),
    )
    // The folder ops/grafana/dashboards, as compose mounts it.
    const [from, to] = services.grafana?.volumes[0]?.split(':') ?? []
    expect([from, `${to}/dashboards`, `${to}/provisioning`]).toEqual([
      './ops/grafana',
      providers[0].options.path,
      services.grafana?.environment.GF_PATHS_PROVISIONING,
    ])
  })
})
