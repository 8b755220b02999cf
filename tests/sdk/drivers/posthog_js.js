// Drives posthog-js, the version that SDK names, in a real browser, from a page of another origin than the server,
// and prints what its own hook saw. The last events leave as beacons while the page unloads.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

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

const site = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://page').pathname
  if (path === '/report') print(JSON.parse(await readBody(request)))
  if (path === '/settings') return response.end(JSON.stringify(settings))
  const [type, file] = files[path] ?? []
  if (file) return response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(readFileSync(file))
  return response.end()
})
await new Promise((listening) => site.listen(0, '127.0.0.1', listening))
const origin = `http://127.0.0.1:${site.address().port}`

const profile = mkdtempSync(join(tmpdir(), 'hogflare-chromium-'))
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
})

// Older versions send what they gathered every three seconds, whatever page.js asks for.
const silence = process.env.SDK ? 4_000 : 1_500
// Resolves once no request to the server has started or ended for a while.
const traffic = { open: 0, last: Date.now() }
const track = (change) => (request) => {
  if (!request.url().startsWith(settings.host)) return
  traffic.open += change
  traffic.last = Date.now()
}
context.on('request', track(1))
context.on('requestfinished', track(-1))
context.on('requestfailed', track(-1))
const quiet = async () => {
  const deadline = Date.now() + 30_000
  while ((traffic.open > 0 || Date.now() - traffic.last < silence) && Date.now() < deadline) {
    await new Promise((resume) => setTimeout(resume, 100))
  }
}

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
