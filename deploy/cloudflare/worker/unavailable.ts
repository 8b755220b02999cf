/**
 * The answer while no instance can take a request: it is starting, stopping, replaced, or its limit is
 * reached. 503 with `Retry-After`, which SDKs answer by sending again; a 4xx or a page of HTML would
 * make them drop events.
 */

import { corsHeaders, preflight } from './cors.ts'

/** Like the service's own; a start takes a few seconds. */
const RETRY_SECONDS = '5'

const BODY = JSON.stringify({ status: 0, error: 'service unavailable: no instance is ready, please retry' })

/**
 * Answers in the service's place. A preflight is allowed, as the service would: the request after it
 * then gets a 503 that the page can read.
 */
export function unavailable(request: Request): Response {
  if (request.method === 'OPTIONS') return preflight(request)
  const headers = corsHeaders(request)
  headers.set('content-type', 'application/json')
  headers.set('retry-after', RETRY_SECONDS)
  headers.set('cache-control', 'no-store')
  return new Response(request.method === 'HEAD' ? null : BODY, { status: 503, headers })
}
