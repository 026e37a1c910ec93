import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** `name`: without the prefix `signalbox_`. */
export type Instrument = { name: string; help: string }

/** A number, or one for each value of a label. Undefined: unknown at the moment, so it is left out. */
type Value = number | Readonly<Record<string, number>> | undefined
type Read = () => Value | Promise<Value>

/** The instruments of one process. A scrape reads the numbers that other parts count. */
export class Instruments {
  readonly registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  gauge(instrument: Instrument, read: Read, label?: string): void {
    new Gauge({
      ...this.#describe(instrument, label ? [label] : []),
      async collect() {
        const value = await read()
        this.reset()
        if (value === undefined) return
        for (const [labels, number] of toSamples(value, label)) this.set(labels, number)
      },
    })
  }

  /** `read` returns the count since the start of the process. */
  counter(instrument: Instrument, read: Read, label?: string): void {
    new Counter({
      ...this.#describe(instrument, label ? [label] : []),
      async collect() {
        const value = await read()
        this.reset()
        for (const [labels, number] of toSamples(value ?? 0, label)) this.inc(labels, number)
      },
    })
  }

  /** A counter that callers add to. `known`: label values that show as 0 before they are first counted. */
  tally(
    instrument: Instrument,
    labels: readonly string[],
    known: readonly (readonly string[])[] = [],
  ): Tally {
    const tally = new Tally(known)
    new Counter({
      ...this.#describe(instrument, labels),
      collect() {
        this.reset()
        for (const [values, count] of tally.counts()) {
          this.inc(Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ''])), count)
        }
      },
    })
    return tally
  }

  histogram<const Label extends string>(
    instrument: Instrument,
    buckets: readonly number[],
    labelNames: readonly Label[],
  ): Histogram<Label> {
    return new Histogram({ ...this.#describe(instrument, labelNames), buckets: [...buckets] })
  }

  #describe<const Label extends string>({ name, help }: Instrument, labelNames: readonly Label[]) {
    return { name: `signalbox_${name}`, help, labelNames: [...labelNames], registers: [this.registry] }
  }
}

function toSamples(
  value: number | Readonly<Record<string, number>>,
  label: string | undefined,
): [Record<string, string>, number][] {
  if (typeof value === 'number') return [[{}, value]]
  return Object.entries(value).map(([key, number]) => [label ? { [label]: key } : {}, number])
}

/** Counts by label values, in the order of the labels. Adding to it costs less than to the library's counter. */
export class Tally {
  readonly #counts = new Map<string, number>()

  constructor(known: readonly (readonly string[])[]) {
    for (const values of known) this.#counts.set(values.join(' '), 0)
  }

  /** Label values must not contain spaces. */
  add(values: readonly string[] = [], times = 1): void {
    const key = values.join(' ')
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + times)
  }

  /** Shows label values as 0 from now on. */
  expect(...values: readonly string[]): void {
    const key = values.join(' ')
    if (!this.#counts.has(key)) this.#counts.set(key, 0)
  }

  *counts(): Iterable<[string[], number]> {
    for (const [key, count] of this.#counts) yield [key.split(' '), count]
  }
}
