import assert from 'node:assert/strict'
import { test } from 'node:test'

import { instanceFor } from '../../../deploy/cloudflare/worker/routing.ts'

const request = (ip, path = '/e/', headers = {}) =>
  new Request(`https://hogflare.example${path}`, { headers: { 'cf-connecting-ip': ip, ...headers } })
const ips = Array.from({ length: 2000 }, (_, index) => `198.51.${index % 100}.${index % 250}`)
const spread = (choose) => ips.reduce((counts, ip) => counts.set(choose(ip), (counts.get(choose(ip)) ?? 0) + 1), new Map())

test('without settings there is one instance', () => {
  assert.deepEqual([...new Set(ips.map((ip) => instanceFor(request(ip), {})))], ['instance-0'])
  assert.equal(instanceFor(request('192.0.2.1'), { HOGFLARE_INSTANCES: '', HOGFLARE_ROUTING: '' }), 'instance-0')
})

test('a retry goes where the first try went', () => {
  const settings = { HOGFLARE_INSTANCES: '5' }
  const first = instanceFor(request('192.0.2.1', '/e/?ip=1&_=1&ver=1'), settings)
  for (let retry = 1; retry < 20; retry += 1) {
    assert.equal(instanceFor(request('192.0.2.1', `/e/?ip=1&_=${retry}&ver=1&retry_count=${retry}`), settings), first)
  }
})

test('clients are shared out among all instances', () => {
  const counts = spread((ip) => instanceFor(request(ip), { HOGFLARE_INSTANCES: '4' }))
  assert.deepEqual([...counts.keys()].sort(), ['instance-0', 'instance-1', 'instance-2', 'instance-3'])
  for (const count of counts.values()) assert.ok(count > 300 && count < 700, `${count} of 2000`)
})

test('projects behind one address are told apart by the token that shows', () => {
  const settings = { HOGFLARE_INSTANCES: '50' }
  const forms = [
    (token) => request('192.0.2.1', `/flags/?token=${token}`),
    (token) => request('192.0.2.1', `/e/?api_key=${token}`),
    (token) => request('192.0.2.1', `/array/${token}/config.js`),
    (token) => request('192.0.2.1', '/e/', { 'x-posthog-api-key': token }),
  ]
  const tokens = Array.from({ length: 20 }, (_, index) => `phc_${index}`)
  for (const token of tokens) {
    assert.equal(new Set(forms.map((form) => instanceFor(form(token), settings))).size, 1)
  }
  assert.ok(new Set(tokens.map((token) => instanceFor(forms[0](token), settings))).size > 5)
})

test('spread needs nothing of the client', () => {
  const settings = { HOGFLARE_INSTANCES: '3', HOGFLARE_ROUTING: 'spread' }
  const chosen = new Set(Array.from({ length: 200 }, () => instanceFor(request('192.0.2.1'), settings)))
  assert.deepEqual([...chosen].sort(), ['instance-0', 'instance-1', 'instance-2'])
})

test('a setting that makes no sense is an error that names it', () => {
  for (const wrong of ['0', '-1', '1.5', 'two', '1e3', '99999']) {
    assert.throws(() => instanceFor(request('192.0.2.1'), { HOGFLARE_INSTANCES: wrong }), /HOGFLARE_INSTANCES/)
  }
  assert.throws(() => instanceFor(request('192.0.2.1'), { HOGFLARE_ROUTING: 'nearest' }), /HOGFLARE_ROUTING/)
})
