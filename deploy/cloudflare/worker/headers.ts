/**
 * The headers that the service gets: the client's own, without any that claim where the request came
 * from, and with `x-hogflare-*`, which say what Cloudflare knows.
 *
 * The service believes `x-hogflare-*` (HOGFLARE_TRUST_PROXY=worker), so a client's never pass. Headers of
 * other proxies are removed as well: nothing behind the Worker needs them, and whatever reads them one
 * day would read what a client wrote.
 */

import { geographyHeaders } from './geography.ts'

/**
 * Removed by beginning. Of `cf-`, `cf-container-target-port` would let a client choose a port of the
 * container, and the rest is Cloudflare's, told in our own words.
 */
const REMOVED_PREFIXES = ['x-hogflare-', 'x-forwarded-', 'cf-']

const REMOVED = new Set([
  'forwarded',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'true-client-ip',
])

/** The request's id on Cloudflare, for looking it up in logs; Cloudflare sets it on every request. */
const KEPT = 'cf-ray'

/** Returns the headers with which a request goes on to the service. */
export function edgeHeaders(request: Request): Headers {
  const headers = new Headers(request.headers)
  for (const name of request.headers.keys()) {
    if (isRemoved(name)) headers.delete(name)
  }
  const clientIp = request.headers.get('cf-connecting-ip')
  if (clientIp) headers.set('x-hogflare-client-ip', clientIp)
  for (const [name, value] of geographyHeaders(request.cf ?? {})) headers.set(name, value)
  return headers
}

function isRemoved(name: string): boolean {
  return name !== KEPT && (REMOVED.has(name) || REMOVED_PREFIXES.some((prefix) => name.startsWith(prefix)))
}
