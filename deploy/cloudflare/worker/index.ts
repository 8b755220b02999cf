/**
 * The Worker in front of Hogflare: tells the service who the client is and where, and picks the
 * instance. Every request goes on to the service, whatever its path, and the service's answers come
 * back as they are. Only where there is no instance to ask does the Worker answer itself.
 */

import type { Environment } from './environment.ts'
import { edgeHeaders } from './headers.ts'
import { instanceFor } from './routing.ts'
import { unavailable } from './unavailable.ts'
import { upstreamUrl } from './upstream.ts'

export { HogflareContainer } from './container.ts'

export default {
  async fetch(request, environment) {
    try {
      return await forward(request, environment)
    } catch (error) {
      // An object that is being replaced, one that is overloaded, a setting that makes no sense.
      console.error({ message: 'request was not forwarded', error: String(error) })
      return unavailable(request)
    }
  },
} satisfies ExportedHandler<Environment>

/**
 * Sends the request on. Its body is a stream that is read once, as it is, so nothing is tried twice
 * here; SDKs send again after a 503.
 */
async function forward(request: Request, environment: Environment): Promise<Response> {
  const headers = edgeHeaders(request)
  if (environment.UPSTREAM) {
    return fetch(new Request(upstreamUrl(request.url, environment.UPSTREAM), new Request(request, { headers })))
  }
  const instance = environment.HOGFLARE.getByName(instanceFor(request, environment))
  return instance.fetch(new Request(request, { headers }))
}
