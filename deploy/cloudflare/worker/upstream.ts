/** The address of a Hogflare that stands in for the container, in development and tests. */

/**
 * Returns the request's URL with scheme, host and port of the upstream. Only these are taken over:
 * resolving the path against the upstream would let a path such as `//example.com` choose a host.
 */
export function upstreamUrl(requestUrl: string, upstream: string): URL {
  const url = new URL(requestUrl)
  const { protocol, hostname, port } = new URL(upstream)
  return Object.assign(url, { protocol, hostname, port })
}
