// Drives posthog-js in cookieless mode in a browser for each of VISITORS, {"name": [user agent, address]}: a page, and
// the same page again. Prints what the SDK's own hook saw, and what each browser keeps afterwards.
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { chromiumOptions, openSiteOf, posthogJs, watchTraffic } from './browser.js'

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
const files = { '/': ['text/html', page], '/posthog.js': ['text/javascript', readFileSync(posthogJs())] }

const site = await openSiteOf(files)
const origin = `${site.origin}/`

const browser = await chromium.launch(chromiumOptions)

const print = (line) => console.log(JSON.stringify(line))

const browse = async (visitor, userAgent, address) => {
  const context = await browser.newContext({ userAgent })
  // A proxy's word, which a page cannot give.
  await context.route(`${options.api_host}/**`, (route, request) => {
    route.continue({ headers: { ...request.headers(), 'x-forwarded-for': address } })
  })
  const quiet = watchTraffic(context, options.api_host, 1_500)
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
