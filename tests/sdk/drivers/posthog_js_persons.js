// Drives posthog-js in a browser for each name of BROWSERS: two pages as nobody in particular, then USER is identified, and
// a page more. Prints the distinct id that each browser had before.
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { chromiumOptions, openSiteOf, posthogJs } from './browser.js'

const options = {
  api_host: process.env.POSTHOG_HOST,
  person_profiles: process.env.PERSON_PROFILES,
  capture_pageleave: false,
  opt_out_useragent_filter: true,
  disable_session_recording: true,
  disable_surveys: true,
  request_queue_config: { flush_interval_ms: 250 },
}
const page = `<!doctype html><title>Shop</title><script type="module">
  import posthog from '/posthog.js'
  posthog.init(${JSON.stringify(process.env.TOKEN)}, { ...${JSON.stringify(options)}, loaded: () => { window.ready = true } })
  window.posthog = posthog
</script>`
const files = { '/': ['text/html', page], '/posthog.js': ['text/javascript', readFileSync(posthogJs())] }

const site = await openSiteOf(files)
const origin = `${site.origin}/`

const chrome = await chromium.launch(chromiumOptions)

// The server says where events go.
const isStored = (response) => new URL(response.url()).pathname.endsWith('/e/')

const browse = async (browser) => {
  const context = await chrome.newContext()
  const tab = await context.newPage()
  tab.on('pageerror', (error) => console.error('page error', error))
  const open = async (path) => {
    const sent = tab.waitForResponse(isStored)
    await tab.goto(origin + path)
    await tab.waitForFunction(() => window.ready)
    await sent
  }
  await open('?page=1')
  await open('?page=2')
  const anonymous = await tab.evaluate(() => window.posthog.get_distinct_id())
  const identified = tab.waitForResponse(isStored)
  await tab.evaluate((user) => window.posthog.identify(user, { plan: 'pro' }), process.env.USER_ID)
  await identified
  await open('?page=3')
  console.log(JSON.stringify({ browser, anonymous }))
  await context.close()
}

for (const browser of JSON.parse(process.env.BROWSERS)) await browse(browser)
await chrome.close()
site.close()
