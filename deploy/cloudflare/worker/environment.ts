/** What the Worker is given: bindings, variables and secrets. */

import type { HogflareContainer } from './container.ts'
import type { RoutingSettings } from './routing.ts'

/** Bindings of wrangler.jsonc. Settings of the service are any further strings. */
export interface Environment extends RoutingSettings {
  readonly HOGFLARE: DurableObjectNamespace<HogflareContainer>
  /** Silence after which an instance is stopped, such as `10m`. */
  readonly HOGFLARE_SLEEP_AFTER?: string
  /**
   * Base URL of a running Hogflare that is used instead of a container. For development and tests:
   * a binding, so that no request can choose it.
   */
  readonly UPSTREAM?: string
}
