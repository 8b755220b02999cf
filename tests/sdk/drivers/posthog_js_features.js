// Drives posthog-js with every feature on, from a page of another origin than the server, and prints
// each request that the browser made: {"url", "method", "status"}, or {"url", "method", "failure"}.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { chromiumOptions, openSite, posthogJs } from './browser.js'

const here = dirname(fileURLToPath(import.meta.url))
const page = ['text/html', join(here, 'features.html')]
const files = {
  '/loader': page,
  '/bundle': page,
  '/module': page,
  '/features.js': ['text/javascript', join(here, 'features.js')],
  '/posthog.js': ['text/javascript', posthogJs()],
}
const settings = { token: process.env.TOKEN, host: process.env.POSTHOG_HOST }
const events = ['$pageview', '$autocapture', '$$heatmap', '$web_vitals', '$exception', '$dead_click']

const site = await openSite((request, response) => {
  const path = new URL(request.url, 'http://page').pathname
  if (path === '/settings') return response.end(JSON.stringify(settings))
  const [type, file] = files[path] ?? []
  if (file) return response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(readFileSync(file))
  return response.writeHead(path === '/favicon.ico' ? 204 : 404).end()
})
const { origin } = site

const profile = mkdtempSync(join(tmpdir(), 'hogflare-chromium-'))
const context = await chromium.launchPersistentContext(profile, chromiumOptions)

const traffic = { open: 0, last: Date.now(), recordings: 0 }
const change = (by) => {
  traffic.open += by
  traffic.last = Date.now()
}
const print = (request, outcome) => {
  console.log(JSON.stringify({ url: request.url(), method: request.method(), ...outcome }))
}
context.on('request', () => change(1))
context.on('requestfinished', async (request) => {
  const status = (await request.response()).status()
  print(request, { status })
  if (request.url().startsWith(`${settings.host}/s/`)) traffic.recordings += 1
  change(-1)
})
context.on('requestfailed', (request) => {
  print(request, { failure: request.failure().errorText })
  change(-1)
})
const until = async (done) => {
  const deadline = Date.now() + 30_000
  while (!(await done()) && Date.now() < deadline) await new Promise((resume) => setTimeout(resume, 100))
}

const tab = await context.newPage()
await tab.goto(`${origin}/${process.env.WAY}`)
await tab.waitForFunction(() => window.ready)
// What a click does depends on the configuration, which comes after the start.
await until(() => Date.now() - traffic.last > 1_000)
await tab.fill('#name', 'Grace')
await tab.evaluate(() => window.misbehave())
await until(() => tab.evaluate(() => window.hasSeen(['$exception'])))
await tab.mouse.move(40, 40)
await tab.click('#buy')
await until(() => tab.evaluate((names) => window.hasSeen(names), events))
await until(() => traffic.recordings > 0 && traffic.open === 0 && Date.now() - traffic.last > 1_500)
await context.close()
site.close()
rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
