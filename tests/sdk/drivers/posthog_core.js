// Drives an SDK for devices that is built on @posthog/core (SDK: posthog-js-lite or posthog-react-native)
// through everything it can send, and prints what its own hook saw.
import { createRequire } from 'node:module'

const { PostHog } = createRequire(import.meta.url)(process.env.SDK)
const kept = new Map()

const client = new PostHog(process.env.TOKEN, {
  host: process.env.POSTHOG_HOST,
  disableCompression: process.env.COMPRESSION === 'off',
  flushAt: 20,
  flushInterval: 200,
  persistence: 'memory',
  customStorage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) },
  captureAppLifecycleEvents: true,
  before_send: (event) => {
    console.log(JSON.stringify({ event: event.event, uuid: event.uuid, properties: event.properties }))
    return event
  },
})
client.on('error', (error) => console.error(process.env.SDK, 'reports', error))
await client.ready?.()

client.capture('core unicode 🎉', { text: 'héllo — 🦔 日本語 \u0007 "quoted" \\ </script>', 'ключ': '値' })
client.capture('core nested', { a: { b: { c: [1, { d: [] }, 'x', [[]]] } }, empty: {}, list: [null, true, false] })
client.capture('core numbers', { int: 42, negative: -7, float: 29.99, tiny: 1e-9, huge: 1.5e300, zero: 0 })
client.capture('core null', { nothing: null, text: 'null', no: false })
client.capture('core explicit time', { when: 'then' }, { timestamp: new Date('2026-02-03T04:05:06.789Z') })
client.capture('core explicit uuid', {}, { uuid: process.env.EXPLICIT_UUID })
client.capture('core person', { $set: { plan: 'pro' }, $set_once: { first_seen: 'today' }, $unset: ['trial'] })
client.capture('$pageview', { $current_url: 'https://shop.example/?utm_source=newsletter' })
client.identify('core-user', { email: 'core@example.com', $set_once: { origin: 'test' } })
client.alias('core-alias')
client.group('company', 'acme', { name: 'Acme ✨', employees: 11 })
client.capture('core in group')
client.setPersonProperties({ city: 'Łódź' }, { signup: 'app' })
client.unsetPersonProperties(['city'])
client.register({ plan: 'super property' })
client.autocapture('touch', [{ tag_name: 'Button', $el_text: 'Buy', nth_child: 1, nth_of_type: 1 }], {})
client.captureException(new TypeError('core is broken 💥'), { where: 'driver' })
await client.screen?.('Home', { from: 'start' })
await client.reloadFeatureFlagsAsync()
client.isFeatureEnabled('core-flag')
for (let index = 0; index < 100; index += 1) client.capture('core many', { index })
await client.flush()
client.capture('core last before shutdown', { last: true })
await client.shutdown(30_000)
