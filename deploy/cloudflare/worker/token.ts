/** The project token of a request, where it can be seen without reading the body. */

const QUERY_NAMES = ['token', 'api_key', '_token']
const REMOTE_CONFIG = /^\/array\/([^/]+)\//

/** Returns the token in header, query or path, or an empty text. */
export function visibleToken(request: Request): string {
  const url = new URL(request.url)
  const inQuery = QUERY_NAMES.map((name) => url.searchParams.get(name))
  const inPath = REMOTE_CONFIG.exec(url.pathname)?.[1]
  return [request.headers.get('x-posthog-api-key'), ...inQuery, inPath].find(Boolean) ?? ''
}
