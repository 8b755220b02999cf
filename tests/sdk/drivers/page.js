// What the page does with posthog-js. The driver calls the functions on `window`.
import posthog from '/posthog.js'

const settings = await (await fetch('/settings')).json()
const reported = new Set()
let leaving = false

const reportEvent = (event) => {
  // Some versions have both hooks.
  if (event.uuid && reported.has(event.uuid)) return event
  reported.add(event.uuid)
  const seen = { event: event.event, uuid: event.uuid, properties: event.properties }
  if (leaving) navigator.sendBeacon('/report', JSON.stringify(seen))
  else window.report(seen)
  return event
}

posthog.init(settings.token, {
  api_host: settings.host,
  disable_compression: settings.disableCompression,
  opt_out_useragent_filter: true,
  before_send: reportEvent,
  _onCapture: (_name, event) => reportEvent(event),
  person_profiles: 'always',
  capture_heatmaps: false,
  capture_dead_clicks: false,
  capture_performance: false,
  disable_session_recording: true,
  disable_surveys: true,
  rate_limiting: { events_per_second: 1000, events_burst_limit: 1000 },
  request_queue_config: { flush_interval_ms: 250 },
  loaded: () => { window.ready = true },
})

window.sendEverything = () => {
  posthog.capture('js unicode 🎉', { text: 'héllo — 🦔 日本語 \u0007 "quoted" \\ </script>', 'ключ': '値' })
  posthog.capture('js nested', { a: { b: { c: [1, { d: [] }, 'x', [[]]] } }, empty: {}, list: [null, true, false] })
  posthog.capture('js numbers', { int: 42, negative: -7, float: 29.99, tiny: 1e-9, huge: 1.5e300, zero: 0 })
  posthog.capture('js null', { nothing: null, text: 'null', no: false })
  posthog.capture('js explicit time', { when: 'then' }, { timestamp: new Date('2026-02-03T04:05:06.789Z') })
  posthog.capture('js person', { $unset: ['trial'] }, { $set: { plan: 'pro' }, $set_once: { first_seen: 'today' } })
  posthog.identify('js-user', { email: 'js@example.com' }, { origin: 'test' })
  posthog.alias('js-alias', 'js-user')
  posthog.group('company', 'acme', { name: 'Acme ✨', employees: 11 })
  posthog.capture('js in group')
  posthog.setPersonProperties({ city: 'Łódź' }, { signup: 'web' })
  posthog.unsetPersonProperties?.(['city'])
  posthog.captureException?.(new TypeError('js is broken 💥'))
  posthog.isFeatureEnabled('js-flag')
  posthog.capture('js instant', { now: true }, { send_instantly: true })
  for (let index = 0; index < 100; index += 1) posthog.capture('js many', { index })
}

window.sendWhileLeaving = () => {
  leaving = true
  for (let index = 0; index < 10; index += 1) posthog.capture('js while leaving', { index })
}
