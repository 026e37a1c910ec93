export type Family = { name: string; type: string; help: string; labels: Set<string> }

const suffixes = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] } as const

/** The families of metrics in a text of Prometheus, with the labels that their samples have. */
export function readFamilies(text: string): Family[] {
  const families: Family[] = []
  for (const line of text.split('\n')) {
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    const last = families.at(-1)
    if (kind === 'HELP') families.push({ name: name ?? '', type: '', help: rest ?? '', labels: new Set() })
    else if (kind === 'TYPE' && last) last.type = rest ?? ''
    else if (last) for (const [, label] of line.matchAll(/[{,](\w+)="/g)) last.labels.add(label ?? '')
  }
  return families
}

/** The names by which PromQL asks for a family, each with its labels. */
export function seriesOf(families: readonly Family[]): Map<string, Set<string>> {
  const series = new Map<string, Set<string>>()
  for (const { name, type, labels } of families) {
    const endings: readonly string[] = suffixes[type as keyof typeof suffixes] ?? ['']
    for (const ending of endings) series.set(name + ending, labels)
  }
  return series
}
