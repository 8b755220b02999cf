import assert from 'node:assert/strict'
import { test } from 'node:test'

import { checksum, containerVariables } from '../../../deploy/cloudflare/worker/settings.ts'

test('the address is fixed', () => {
  assert.deepEqual(containerVariables({ APP_ADDR: '127.0.0.1:1', HOGFLARE_ACK: 'durable' }), {
    APP_ADDR: '0.0.0.0:8080',
    HOGFLARE_ACK: 'durable',
  })
})

test('names decide, so that new settings pass', () => {
  const passed = {
    CLOUDFLARE_DISTINCT_IDS_PIPELINE_ENDPOINT: 'a',
    CLOUDFLARE_PIPELINE_STREAMS: 'b',
    CLOUDFLARE_RECORDINGS_PIPELINE_ENDPOINT: 'c',
    HOGFLARE_NEW: 'd',
    POSTHOG_NEW: 'e',
  }
  const kept = { UPSTREAM: 'x', HOGFLARE: { getByName() {} }, CLOUDFLARE_API_TOKEN: 'x', PATH: 'x', HOGFLARE_ROUTING: 'x' }
  assert.deepEqual(containerVariables({ ...kept, ...passed }), { APP_ADDR: '0.0.0.0:8080', ...passed })
})

test('the checksum follows the values, not their order', async () => {
  const of = (environment) => checksum(containerVariables(environment))
  const first = await of({ HOGFLARE_A: '1', HOGFLARE_B: '2' })
  assert.match(first, /^[0-9a-f]{64}$/)
  assert.equal(await of({ HOGFLARE_B: '2', HOGFLARE_A: '1', HOGFLARE_C: '' }), first)
  assert.notEqual(await of({ HOGFLARE_A: '1', HOGFLARE_B: '3' }), first)
})
