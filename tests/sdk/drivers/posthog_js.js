// Drives posthog-js, the version that SDK names, in a real browser, from a page of another origin than the server,
// and prints what its own hook saw. The last events leave as beacons while the page unloads.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { chromiumOptions, openSite, watchTraffic } from './browser.js'

const here = dirname(fileURLToPath(import.meta.url))
const installed = process.env.SDK ?? dirname(createRequire(import.meta.url).resolve('posthog-js/package.json'))
const library = join(installed, JSON.parse(readFileSync(join(installed, 'package.json'))).module)
const files = {
  '/': ['text/html', join(here, 'page.html')],
  '/page.js': ['text/javascript', join(here, 'page.js')],
  '/posthog.js': ['text/javascript', library],
}
const settings = {
  token: process.env.TOKEN,
  host: process.env.POSTHOG_HOST,
  disableCompression: process.env.COMPRESSION === 'off',
}

const print = (event) => console.log(JSON.stringify(event))

const readBody = async (request) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const site = await openSite(async (request, response) => {
  const path = new URL(request.url, 'http://page').pathname
  if (path === '/report') print(JSON.parse(await readBody(request)))
  if (path === '/settings') return response.end(JSON.stringify(settings))
  const [type, file] = files[path] ?? []
  if (file) return response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(readFileSync(file))
  return response.end()
})
const { origin } = site

const profile = mkdtempSync(join(tmpdir(), 'hogflare-chromium-'))
const context = await chromium.launchPersistentContext(profile, chromiumOptions)

// Older versions send what they gathered every three seconds, whatever page.js asks for.
const silence = process.env.SDK ? 4_000 : 1_500
const quiet = watchTraffic(context, settings.host, silence)

const page = await context.newPage()
page.on('pageerror', (error) => console.error('page error', error))
await page.exposeFunction('report', print)
await page.goto(`${origin}/`)
await page.waitForFunction(() => window.ready)
await page.evaluate(() => window.sendEverything())
await quiet()
// Autocapture begins once the server's remote configuration, or its absence, is known.
await page.click('#buy')
await quiet()
await page.evaluate(() => window.sendWhileLeaving())
await page.goto(`${origin}/elsewhere`)
await quiet()
await context.close()
site.close()
rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
