// Runs the bundled Worker in workerd, behind a stand-in for Cloudflare's own edge, which says who the
// client is and where, whatever the client claims. Prints the port, then the Worker's logs.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const { Miniflare, Log, LogLevel, convertV4MiniflareOptions } = createRequire(process.env.REPOSITORY)('miniflare')
const { bundle, bindings, cf, clientIp, compatibilityDate } = JSON.parse(process.env.SETTINGS)

const stand_in = `
  export default {
    fetch(request, environment) {
      const headers = new Headers(request.headers)
      headers.set('cf-connecting-ip', environment.CLIENT_IP)
      headers.set('cf-ray', '8f00ba5e00000000-GRU')
      return environment.WORKER.fetch(new Request(request, { headers, cf: environment.CF }))
    },
  }`

const edge = new Miniflare(convertV4MiniflareOptions({
  host: '127.0.0.1',
  port: 0,
  cf: false,
  log: new Log(LogLevel.WARN),
  workers: [
    {
      name: 'edge',
      modules: true,
      script: stand_in,
      compatibilityDate,
      bindings: { CLIENT_IP: clientIp, CF: cf },
      serviceBindings: { WORKER: 'hogflare' },
    },
    {
      name: 'hogflare',
      modules: [{ type: 'ESModule', path: 'index.js', contents: readFileSync(bundle, 'utf8') }],
      compatibilityDate,
      bindings,
      durableObjects: { HOGFLARE: { className: 'HogflareContainer', useSQLite: true } },
    },
  ],
}))

const url = await edge.ready
console.log(JSON.stringify({ port: Number(url.port) }))
process.on('SIGTERM', () => edge.dispose().then(() => process.exit(0)))
