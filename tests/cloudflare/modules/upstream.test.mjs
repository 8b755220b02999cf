import assert from 'node:assert/strict'
import { test } from 'node:test'

import { upstreamUrl } from '../../../deploy/cloudflare/worker/upstream.ts'

test('only scheme, host and port change', () => {
  const cases = [
    ['https://a.example/e/?x=%20#f', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080/e/?x=%20#f'],
    ['http://a.example:8787//evil.example/x', 'http://127.0.0.1:8080/', 'http://127.0.0.1:8080//evil.example/x'],
    ['http://a.example:8787/', 'https://b.example', 'https://b.example/'],
    ['https://a.example/', 'http://[::1]:9/', 'http://[::1]:9/'],
  ]
  for (const [url, upstream, wanted] of cases) assert.equal(upstreamUrl(url, upstream).href, wanted)
})
