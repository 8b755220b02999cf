// What drivers of SDKs in browsers share: Chromium, a site to open, and when nothing is under way any more.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

// How Chromium is started.
export const chromiumOptions = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
}

// posthog-js, as pages import it.
export const posthogJs = () =>
  join(dirname(createRequire(import.meta.url).resolve('posthog-js/package.json')), 'dist', 'module.js')

// A site of another origin than the server, which `answer` makes.
export const openSite = async (answer) => {
  const site = createServer(answer)
  await new Promise((listening) => site.listen(0, '127.0.0.1', listening))
  return { origin: `http://127.0.0.1:${site.address().port}`, close: () => site.close() }
}

// A site of files in memory, by path: their media type and their text.
export const openSiteOf = (files) =>
  openSite((request, response) => {
    const [type, body] = files[new URL(request.url, 'http://page').pathname] ?? []
    if (body) return response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body)
    return response.writeHead(204).end()
  })

// Returns what waits until no request to `host` has started or ended for so many milliseconds.
export const watchTraffic = (context, host, silence) => {
  const traffic = { open: 0, last: Date.now() }
  const track = (change) => (request) => {
    if (!request.url().startsWith(host)) return
    traffic.open += change
    traffic.last = Date.now()
  }
  context.on('request', track(1))
  context.on('requestfinished', track(-1))
  context.on('requestfailed', track(-1))
  return async () => {
    const deadline = Date.now() + 30_000
    while ((traffic.open > 0 || Date.now() - traffic.last < silence) && Date.now() < deadline) {
      await new Promise((resume) => setTimeout(resume, 100))
    }
  }
}
