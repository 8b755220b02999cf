import { expect, it } from 'vitest'
import { parseMetrics } from './metrics'
import { sinksOf } from './sinks'

it('adds up what is said of each sink', () => {
  const samples = parseMetrics(
    [
      'hogflare_sink_rows_total{sink="lake"} 7',
      'hogflare_sink_failures_total{sink="kafka",reason="a"} 1',
      'hogflare_sink_failures_total{reason="b",sink="kafka"} 2',
      'hogflare_sink_dead_letters_total{sink="kafka"} 4',
      'hogflare_lake_rows 9',
    ].join('\n'),
  )
  expect(sinksOf(samples, { lake: 'working', recordings: 'parked' })).toEqual([
    { name: 'kafka', state: undefined, rows: 0, lagRows: 0, lagSeconds: 0, failures: 3, deadLetters: 4 },
    { name: 'lake', state: 'working', rows: 7, lagRows: 0, lagSeconds: 0, failures: 0, deadLetters: 0 },
    { name: 'recordings', state: 'parked', rows: 0, lagRows: 0, lagSeconds: 0, failures: 0, deadLetters: 0 },
  ])
})
