// Drives posthog-node, the version that SDK names, through everything it can send, and prints what its own
// hook saw.
import { createRequire } from 'node:module'

const { PostHog } = createRequire(import.meta.url)(process.env.SDK ?? 'posthog-node')
const report = ({ event, uuid, properties }) => console.log(JSON.stringify({ event, uuid, properties }))

const client = new PostHog(process.env.TOKEN, {
  host: process.env.POSTHOG_HOST,
  disableCompression: process.env.COMPRESSION === 'off',
  flushAt: 20,
  flushInterval: 200,
  enableFullAiCapture: process.env.LANE === 'ai',
  before_send: (event) => {
    report(event)
    return event
  },
})
client.on('error', (error) => console.error('posthog-node reports', error))
// Versions without before_send tell what they put into their queue.
const hasHook = 'setPersonProperties' in client
if (!hasHook) for (const kind of ['capture', 'identify', 'alias']) client.on(kind, report)

const distinctId = 'node-user'
const capture = (event, rest) => client.capture({ distinctId, event, ...rest })

capture('node unicode 🎉', { properties: { text: 'héllo — 🦔 日本語 \u0007 "quoted" \\ </script>', 'ключ': '値' } })
capture('node nested', { properties: { a: { b: { c: [1, { d: [] }, 'x', [[]]] } }, empty: {}, list: [null, true, false] } })
capture('node numbers', {
  properties: { int: 42, negative: -7, float: 29.99, tiny: 1e-9, huge: 1.5e300, zero: 0, safe: Number.MAX_SAFE_INTEGER },
})
capture('node null', { properties: { nothing: null, text: 'null', no: false } })
capture('node explicit time', { timestamp: new Date('2026-02-03T04:05:06.789Z'), properties: { when: 'then' } })
capture('node explicit uuid', { uuid: process.env.EXPLICIT_UUID })
capture('node person', { properties: { $set: { plan: 'pro', seats: 3 }, $set_once: { first_seen: 'today' }, $unset: ['trial'] } })
capture('$pageview', { properties: { $current_url: 'https://shop.example/?utm_source=newsletter', $session_id: '0198c2d6-5a0e-7000-8000-00000000bee1' } })
capture('$screen', { properties: { $screen_name: 'Home' } })
capture('node anonymous', { properties: { $process_person_profile: false } })
client.identify({ distinctId, properties: { email: 'node@example.com', $set_once: { origin: 'test' } } })
client.alias({ distinctId, alias: 'node-alias' })
client.groupIdentify({ groupType: 'company', groupKey: 'acme', properties: { name: 'Acme ✨', employees: 11 }, distinctId })
capture('node in group', { groups: { company: 'acme' } })
client.setPersonProperties?.({ distinctId, properties: { city: 'Łódź' }, propertiesSetOnce: { signup: 'web' } })
client.unsetPersonProperties?.({ distinctId, properties: ['city'] })
client.captureException?.(new TypeError('node is broken 💥'), distinctId, { where: 'driver' })
await client.captureImmediate?.({ distinctId, event: 'node immediate', properties: { now: true } })
// Version 4 does not tell of what it sends at once.
if (client.captureImmediate && !hasHook) report({ event: 'node immediate' })
await client.isFeatureEnabled('node-flag', distinctId)
await client.getAllFlags(distinctId)
for (let index = 0; index < 150; index += 1) {
  client.capture({ distinctId: `node-batch-${index % 7}`, event: 'node many', properties: { index } })
}
await client.flush?.()
capture('node last before shutdown', { properties: { last: true } })
await (client.shutdownAsync ?? client.shutdown).call(client, 30_000)
