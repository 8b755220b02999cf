// Prometheus' text format, as far as a page needs it.

export interface Sample {
  name: string
  labels: string
  value: number
  help: string
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? ([^ ]+)( \d+)?$/

export const parseMetrics = (page: string): Sample[] => {
  const help = new Map<string, string>()
  const samples: Sample[] = []
  for (const line of page.split('\n')) {
    const [, named, said] = /^# HELP ([^ ]+) (.*)$/.exec(line) ?? []
    if (named && said !== undefined) help.set(named, said)
    const [, name, labels, value] = LINE.exec(line) ?? []
    if (name && value)
      samples.push({ name, labels: (labels ?? '').slice(1, -1), value: Number(value), help: help.get(name) ?? '' })
  }
  return samples
}

/** Parts of distributions, which are for graphs. */
const IS_PART = /_(bucket|sum)$/

/** A line for each metric, whatever its labels. */
export const sumOf = (samples: Sample[]): Sample[] => {
  const sums = new Map<string, Sample>()
  for (const sample of samples) {
    if (IS_PART.test(sample.name) || /(^|,)(quantile|le)=/.test(sample.labels)) continue
    const known = sums.get(sample.name)
    sums.set(sample.name, { ...sample, labels: '', value: (known?.value ?? 0) + sample.value })
  }
  return [...sums.values()].sort((one, other) => one.name.localeCompare(other.name))
}
