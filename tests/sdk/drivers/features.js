// What the page does: it loads posthog-js in one of three ways and leaves all features to the server.
const settings = await (await fetch('/settings')).json()
const way = location.pathname.slice(1)
const seen = new Set()

const options = {
  api_host: settings.host,
  opt_out_useragent_filter: true,
  person_profiles: 'always',
  tracing_headers: ['127.0.0.1'],
  opt_in_site_apps: true,
  disable_web_experiments: false,
  request_queue_config: { flush_interval_ms: 250 },
  before_send: (event) => {
    seen.add(event.event)
    return event
  },
  loaded: () => { window.ready = true },
}

const loadScript = (source, attributes) => new Promise((loaded, failed) => {
  const script = document.createElement('script')
  for (const [name, value] of Object.entries(attributes)) script.setAttribute(name, value)
  Object.assign(script, { src: source, onload: loaded, onerror: failed })
  document.head.append(script)
})

const ways = {
  // The loader of posthog-js, which fetches array.js from where it came from.
  loader: async () => {
    await loadScript(`${settings.host}/static/loader.js`, { crossorigin: 'anonymous', 'data-defer-init': 'true' })
    window.posthog.init(settings.token, options)
  },
  // One script with the project's configuration in it.
  bundle: async () => {
    await loadScript(`${settings.host}/array/${settings.token}/array.js`, { crossorigin: 'anonymous' })
    window.posthog.init(settings.token, options)
  },
  // The npm package, built into the page.
  module: async () => {
    const { default: posthog } = await import('/posthog.js')
    window.posthog = posthog
    posthog.init(settings.token, options)
  },
}
await ways[way]()

window.hasSeen = (names) => names.every((name) => seen.has(name))

window.misbehave = () => {
  console.info('a line for the console')
  console.error('and an error')
  setTimeout(() => { throw new Error('nobody catches this') })
  posthog.getSurveys(() => {}, true)
  posthog.getEarlyAccessFeatures(() => {}, true)
  return fetch('/settings')
}
