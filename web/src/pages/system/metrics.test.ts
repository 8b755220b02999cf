import { expect, it } from 'vitest'
import { parseMetrics, sumOf } from './metrics'

const PAGE = `# HELP hogflare_events_total Events that were stored
# TYPE hogflare_events_total counter
hogflare_events_total{lane="batch"} 12
hogflare_events_total{lane="capture"} 3

# TYPE hogflare_sync_seconds histogram
hogflare_sync_seconds_bucket{le="0.1"} 4
hogflare_sync_seconds_sum 0.3
hogflare_sync_seconds_count 4
`

it('reads every sample, and adds up what differs by labels only', () => {
  expect(parseMetrics(PAGE)).toHaveLength(5)
  expect(sumOf(parseMetrics(PAGE))).toEqual([
    { name: 'hogflare_events_total', labels: '', value: 15, help: 'Events that were stored' },
    { name: 'hogflare_sync_seconds_count', labels: '', value: 4, help: '' },
  ])
})
