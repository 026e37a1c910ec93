import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { freePort, untilAnswers } from './services.ts'

/** How fast time passes for rules, and how often servers are read. */
type Pace = { faster: number; scrape: string; evaluate: string }

/** Minutes are seconds. */
export const hasty: Pace = { faster: 60, scrape: '1s', evaluate: '500ms' }
/** As `ops/` has it. */
export const deployed: Pace = { faster: 1, scrape: '5s', evaluate: '5s' }

/** An alert that everything is absent has no instance. */
const labels = v.object({ alertname: v.string(), instance: v.optional(v.string()) })
const alerts = v.object({
  data: v.object({ alerts: v.array(v.object({ labels, state: v.string() })) }),
})
const history = v.object({ data: v.object({ result: v.array(v.object({ metric: labels })) }) })

/** Every `for:` and every range, which all are in minutes, divided by `faster`. */
function hasten(rules: string, faster: number): string {
  return rules.replaceAll(/(\bfor: |\[)(\d+)m\b/g, (_, before: string, minutes: string) => {
    return `${before}${(Number(minutes) * 60_000) / faster}ms`
  })
}

export type Target = { instance: string; origin: string }

/** A real Prometheus of its own, which reads servers once a second. */
export class Prometheus {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #origin: string

  private constructor(child: ChildProcess, folder: string, origin: string) {
    this.#child = child
    this.#folder = folder
    this.#origin = origin
  }

  static async start(
    program: string,
    rules: string,
    targets: readonly Target[],
    { faster, scrape, evaluate } = hasty,
  ): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-prometheus-'))
    writeFileSync(join(folder, 'alerts.yml'), hasten(rules, faster))
    const config = {
      global: { scrape_interval: scrape, scrape_timeout: scrape, evaluation_interval: evaluate },
      rule_files: ['alerts.yml'],
      scrape_configs: [
        {
          job_name: 'signalbox',
          static_configs: targets.map(({ instance, origin }) => ({
            targets: [new URL(origin).host],
            labels: { instance },
          })),
        },
      ],
    }
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
    const origin = `http://127.0.0.1:${await freePort()}`
    const args = [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${new URL(origin).host}`,
      '--log.level=error',
    ]
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    const isReady = () =>
      fetch(`${origin}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    await untilAnswers(isReady)
    return new Prometheus(child, folder, origin)
  }

  /** The alerts that fire on an instance now. */
  async firing(instance: string): Promise<string[]> {
    const { data } = await this.#get(alerts, '/api/v1/alerts')
    const own = data.alerts.filter((alert) => alert.labels.instance === instance && alert.state === 'firing')
    return own.map((alert) => alert.labels.alertname)
  }

  /** The alerts that have fired on an instance at any time. */
  async fired(instance: string): Promise<string[]> {
    const query = `count by (alertname, instance) (count_over_time(ALERTS{alertstate="firing",instance="${instance}"}[1h]))`
    const { data } = await this.#get(history, `/api/v1/query?query=${encodeURIComponent(query)}`)
    return data.result.map(({ metric }) => metric.alertname).sort()
  }

  /** Resolves once an alert fires; throws after `within_s`. */
  fires(alert: string, instance: string, within_s = 30): Promise<void> {
    return this.#until(`${alert} fires`, instance, { within_s, isSo: (firing) => firing.includes(alert) })
  }

  /** Resolves once it does not fire any longer. */
  resolves(alert: string, instance: string, within_s = 30): Promise<void> {
    return this.#until(`${alert} ends`, instance, { within_s, isSo: (firing) => !firing.includes(alert) })
  }

  async #until(
    what: string,
    instance: string,
    { within_s, isSo }: { within_s: number; isSo: (firing: string[]) => boolean },
  ): Promise<void> {
    const deadline = Date.now() + within_s * 1_000
    for (;;) {
      const firing = await this.firing(instance)
      if (isSo(firing)) return
      if (Date.now() > deadline)
        throw new Error(`${what} on ${instance}: not in ${within_s} s; firing: ${firing}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async #get<Schema extends v.GenericSchema>(schema: Schema, path: string): Promise<v.InferOutput<Schema>> {
    return v.parse(schema, await (await fetch(this.#origin + path)).json())
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.exitCode === null && this.#child.kill('SIGKILL')) await gone
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
