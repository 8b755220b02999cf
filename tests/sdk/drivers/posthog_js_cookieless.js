// Drives posthog-js in cookieless mode in a browser for each of VISITORS, {"name": [user agent, address]}: a page, and
// the same page again. Prints what the SDK's own hook saw, and what each browser keeps afterwards.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'

const library = join(dirname(createRequire(import.meta.url).resolve('posthog-js/package.json')), 'dist', 'module.js')
const options = {
  api_host: process.env.POSTHOG_HOST,
  cookieless_mode: 'always',
  // Its own hook cannot be heard while the page unloads.
  capture_pageleave: false,
  opt_out_useragent_filter: true,
  disable_session_recording: true,
  disable_surveys: true,
  request_queue_config: { flush_interval_ms: 250 },
}
const page = `<!doctype html><title>Shop</title><button id="buy">Buy</button><script type="module">
  import posthog from '/posthog.js'
  const before_send = (event) => {
    window.report({ event: event.event, uuid: event.uuid })
    return event
  }
  const loaded = () => { window.ready = true }
  posthog.init(${JSON.stringify(process.env.TOKEN)}, { ...${JSON.stringify(options)}, before_send, loaded })
  window.buy = () => posthog.capture('bought', { item: 'hedgehog' })
</script>`
const files = { '/': ['text/html', page], '/posthog.js': ['text/javascript', readFileSync(library)] }

const site = createServer((request, response) => {
  const [type, body] = files[new URL(request.url, 'http://page').pathname] ?? []
  if (body) return response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body)
  return response.writeHead(204).end()
})
await new Promise((listening) => site.listen(0, '127.0.0.1', listening))
const origin = `http://127.0.0.1:${site.address().port}/`

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
})

const print = (line) => console.log(JSON.stringify(line))

const browse = async (visitor, userAgent, address) => {
  const context = await browser.newContext({ userAgent })
  // A proxy's word, which a page cannot give.
  await context.route(`${options.api_host}/**`, (route, request) => {
    route.continue({ headers: { ...request.headers(), 'x-forwarded-for': address } })
  })
  const traffic = { open: 0, last: Date.now() }
  const track = (change) => (request) => {
    if (!request.url().startsWith(options.api_host)) return
    traffic.open += change
    traffic.last = Date.now()
  }
  context.on('request', track(1))
  context.on('requestfinished', track(-1))
  context.on('requestfailed', track(-1))
  const quiet = async () => {
    const deadline = Date.now() + 30_000
    while ((traffic.open > 0 || Date.now() - traffic.last < 1_500) && Date.now() < deadline) {
      await new Promise((resume) => setTimeout(resume, 100))
    }
  }
  const tab = await context.newPage()
  tab.on('pageerror', (error) => console.error('page error', error))
  await tab.exposeFunction('report', (event) => print({ visitor, ...event }))
  for (let times = 0; times < 2; times += 1) {
    await tab.goto(origin)
    await tab.waitForFunction(() => window.ready)
    await tab.evaluate(() => window.buy())
    await quiet()
  }
  const stored = await tab.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)])
  const cookies = (await context.cookies()).map((cookie) => cookie.name)
  print({ visitor, kept: [...stored, ...cookies] })
  await context.close()
}

const visitors = Object.entries(JSON.parse(process.env.VISITORS))
await Promise.all(visitors.map(([name, [userAgent, address]]) => browse(name, userAgent, address)))
await browser.close()
site.close()
