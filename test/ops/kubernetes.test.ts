import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { validate as deployment } from 'kubernetes-models/_schemas/IoK8sApiAppsV1Deployment'
import { validate as autoscaler } from 'kubernetes-models/_schemas/IoK8sApiAutoscalingV2HorizontalPodAutoscaler'
import { validate as configMap } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap'
import { validate as namespace } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Namespace'
import { validate as secret } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Secret'
import { validate as service } from 'kubernetes-models/_schemas/IoK8sApiCoreV1Service'
import { validate as serviceAccount } from 'kubernetes-models/_schemas/IoK8sApiCoreV1ServiceAccount'
import { validate as ingress } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1Ingress'
import { validate as networkPolicy } from 'kubernetes-models/_schemas/IoK8sApiNetworkingV1NetworkPolicy'
import { validate as disruptionBudget } from 'kubernetes-models/_schemas/IoK8sApiPolicyV1PodDisruptionBudget'
import * as v from 'valibot'
import { describe, expect, inject, it } from 'vitest'
import { readConfig, variableNames } from '#src/config/config.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { readYaml, root } from './yaml-files.ts'

const { kubectl } = inject('programs')
const folder = 'ops/kubernetes'
const validators = {
  Deployment: deployment,
  HorizontalPodAutoscaler: autoscaler,
  ConfigMap: configMap,
  Namespace: namespace,
  Secret: secret,
  Service: service,
  ServiceAccount: serviceAccount,
  Ingress: ingress,
  NetworkPolicy: networkPolicy,
  PodDisruptionBudget: disruptionBudget,
} as const

const files = readdirSync(`${root}${folder}`)
const manifests = files.filter((file) => file !== 'kustomization.yaml')
const isExample = (file: string) => file.includes('.example.')
const read = <Output>(file: string, schema: v.GenericSchema<unknown, Output>) =>
  readYaml(`${folder}/${file}`, schema)

/** The schemas allow unknown fields, but validators read only the fields they know: a field that is never read is unknown. */
function findUnknown(document: unknown, validate: (data: unknown) => boolean): string[] {
  const seen = new Set<string>()
  const watch = (value: unknown, path: string): unknown =>
    typeof value === 'object' && value !== null
      ? new Proxy(value, {
          get(target, key) {
            seen.add(`${path}/${String(key)}`)
            return watch(Reflect.get(target, key), `${path}/${String(key)}`)
          },
        })
      : value
  validate(watch(document, ''))
  const list = (value: unknown, path: string): string[] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, inner]) => {
          const at = `${path}/${key}`
          return seen.has(at) ? list(inner, at) : [at]
        })
      : []
  return list(document, '')
}

const container = v.looseObject({
  env: v.array(v.looseObject({ name: v.string() })),
  envFrom: v.array(v.looseObject({ secretRef: v.looseObject({ name: v.string() }) })),
  ports: v.array(v.looseObject({ name: v.string(), containerPort: v.number() })),
})
const deploymentShape = v.looseObject({
  spec: v.looseObject({
    selector: v.looseObject({ matchLabels: v.record(v.string(), v.string()) }),
    template: v.looseObject({
      metadata: v.looseObject({ labels: v.record(v.string(), v.string()) }),
      spec: v.looseObject({ containers: v.tuple([container]), terminationGracePeriodSeconds: v.number() }),
    }),
  }),
})

describe('the manifests for Kubernetes', () => {
  it.each(manifests)('%s is valid for the API and has no unknown field', (file) => {
    const document = read(file, v.looseObject({ kind: v.string() }))
    const validate = Object.entries(validators).find(([kind]) => kind === document.kind)?.[1]
    if (!validate) throw new Error(`no schema for ${document.kind}`)
    expect(validate(document) || ('errors' in validate && validate.errors)).toBe(true)
    expect(findUnknown(document, validate)).toEqual([])
  })

  it('are refused with a misspelt field or a field of another type', () => {
    const document = read('disruption-budget.yaml', v.looseObject({ spec: v.looseObject({}) }))
    const { spec } = document
    const misspelt = { ...document, spec: { ...spec, maxUnavailible: 1 } }
    expect(findUnknown(misspelt, disruptionBudget)).toEqual(['/spec/maxUnavailible'])
    expect(disruptionBudget({ ...document, spec: { ...spec, selector: 'all' } })).toBe(false)
  })

  it('are all applied except for the examples, in this version', () => {
    const { resources, images } = read(
      'kustomization.yaml',
      v.looseObject({
        resources: v.array(v.string()),
        images: v.array(v.looseObject({ name: v.string(), newTag: v.string() })),
      }),
    )
    expect(resources.toSorted()).toEqual(manifests.filter((file) => !isExample(file)).toSorted())
    expect(images).toMatchObject([{ name: 'signalbox', newTag: packageJson.version }])
  })

  it.skipIf(!kubectl)('are built by kubectl', () => {
    const applied = execFileSync(kubectl ?? '', ['kustomize', `${root}${folder}`], { encoding: 'utf8' })
    expect(applied).toContain(`image: registry.example.org/signalbox:${packageJson.version}`)
  })

  it('set only variables that the server reads, from a secret that it can start with', () => {
    const { spec } = read('deployment.yaml', deploymentShape)
    const [{ env, envFrom }] = spec.template.spec.containers
    const { metadata, stringData } = read(
      'secret.example.yaml',
      v.looseObject({
        metadata: v.looseObject({ name: v.string() }),
        stringData: v.record(v.string(), v.string()),
      }),
    )
    expect(envFrom.map(({ secretRef }) => secretRef.name)).toEqual([metadata.name])
    const names = [...env.map(({ name }) => name), ...Object.keys(stringData)]
    expect(names.filter((name) => !variableNames.includes(name))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
    expect(readConfig({ NODE_ENV: 'production', ...stringData }).databaseUrl).toBe(stringData.DATABASE_URL)
  })

  it('all select the same pods, and keep /metrics inside', () => {
    const { spec } = read('deployment.yaml', deploymentShape)
    const { labels } = spec.template.metadata
    expect(spec.selector.matchLabels).toEqual(labels)
    const selector = v.looseObject({ matchLabels: v.record(v.string(), v.string()) })
    expect(
      read('disruption-budget.yaml', v.looseObject({ spec: v.looseObject({ selector }) })).spec.selector
        .matchLabels,
    ).toEqual(labels)
    expect(
      read('network-policy.yaml', v.looseObject({ spec: v.looseObject({ podSelector: selector }) })).spec
        .podSelector.matchLabels,
    ).toEqual(labels)
    const service = v.looseObject({ spec: v.looseObject({ selector: v.record(v.string(), v.string()) }) })
    expect(read('service.yaml', service).spec.selector).toEqual(labels)
    const paths = v.array(v.looseObject({ path: v.string(), pathType: v.string() }))
    const rule = v.looseObject({ http: v.looseObject({ paths }) })
    const outside = read('ingress.yaml', v.looseObject({ spec: v.looseObject({ rules: v.tuple([rule]) }) }))
    const isOutside = (path: string) =>
      outside.spec.rules[0].http.paths.some((row) =>
        row.pathType === 'Exact' ? row.path === path : path === row.path || path.startsWith(`${row.path}/`),
      )
    expect(['/', '/assets/x.js', '/dashboard/session', '/api/v1/ws'].map(isOutside)).toEqual(
      Array(4).fill(true),
    )
    expect(['/metrics', '/healthz', '/readyz'].map(isOutside)).toEqual([false, false, false])
  })

  it('keep at least two replicas, and give a stopping one time to drain', () => {
    const { spec } = read(
      'autoscaler.yaml',
      v.looseObject({ spec: v.looseObject({ minReplicas: v.number() }) }),
    )
    expect(spec.minReplicas).toBeGreaterThanOrEqual(2)
    const pod = read('deployment.yaml', deploymentShape).spec.template.spec
    // 5 s until no more requests arrive, 8 s for requests, and the slices in which sockets are closed.
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(20)
  })
})
