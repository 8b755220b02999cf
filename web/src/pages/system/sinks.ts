// How each sink is, of what the metrics say by its name.
import type { Sample } from './metrics'

export interface Sink {
  name: string
  state: string | undefined
  rows: number
  lagRows: number
  lagSeconds: number
  failures: number
  deadLetters: number
}

const sinkOf = (labels: string): string | undefined => /(?:^|,)sink="([^"]+)"/.exec(labels)?.[1]

/** All sinks that are told of, by name. */
export const sinksOf = (samples: Sample[], states: Record<string, string>): Sink[] => {
  const names = new Set([...Object.keys(states), ...samples.map(({ labels }) => sinkOf(labels) ?? '')])
  names.delete('')
  const sum = (sink: string, metric: string) =>
    samples
      .filter(({ name, labels }) => name === metric && sinkOf(labels) === sink)
      .reduce((total, { value }) => total + value, 0)
  return [...names].sort().map((name) => ({
    name,
    state: states[name],
    rows: sum(name, 'hogflare_sink_rows_total'),
    lagRows: sum(name, 'hogflare_sink_lag_rows'),
    lagSeconds: sum(name, 'hogflare_sink_lag_seconds'),
    failures: sum(name, 'hogflare_sink_failures_total'),
    deadLetters: sum(name, 'hogflare_sink_dead_letters_total'),
  }))
}
