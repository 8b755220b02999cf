/**
 * CORS as the service does it: pages are cross-origin and beacons come with credentials, so the origin
 * and the requested headers are mirrored. Without it a browser would hide the answer from the SDK.
 */

const MAX_AGE_SECONDS = '86400'

/** Returns what lets the page that asked read the answer. */
export function corsHeaders(request: Request): Headers {
  const headers = new Headers({
    vary: 'origin, access-control-request-method, access-control-request-headers',
  })
  const origin = request.headers.get('origin')
  if (origin) {
    headers.set('access-control-allow-origin', origin)
    headers.set('access-control-allow-credentials', 'true')
    headers.set('access-control-expose-headers', 'Retry-After')
  }
  return headers
}

/** Answers an OPTIONS request: what the page wants to send is allowed. */
export function preflight(request: Request): Response {
  const headers = corsHeaders(request)
  headers.set('access-control-allow-methods', 'GET,POST,OPTIONS')
  headers.set('access-control-max-age', MAX_AGE_SECONDS)
  const wanted = request.headers.get('access-control-request-headers')
  if (wanted) headers.set('access-control-allow-headers', wanted)
  return new Response(null, { status: 200, headers })
}
