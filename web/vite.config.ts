import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'
import { licenses } from './licenses.ts'

// Where questions go while the page is not served by the server itself.
const server = process.env.HOGFLARE_URL ?? 'http://127.0.0.1:8080'
const proxy = Object.fromEntries(['/api', '/metrics', '/_readiness'].map((path) => [path, { target: server }]))

// What the page must live with: nothing from elsewhere, and no script that is not a file of its own. Charts and the
// editor set styles of elements.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export default defineConfig({
  plugins: [react(), licenses()],
  resolve: { alias: { '~': fileURLToPath(new URL('src', import.meta.url)) } },
  server: { proxy },
  preview: {
    proxy,
    headers: {
      'content-security-policy': policy,
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    },
  },
  build: {
    target: 'es2023',
    // Fonts as data would be in the style sheet of every page.
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        // What draws is loaded with the first chart, and ways with the first of them.
        codeSplitting: { groups: [{ name: 'echarts', test: /node_modules\/(echarts|zrender)\/(?!.*sankey)/ }] },
      },
    },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts', 'src/**/*.test.tsx'] },
})
