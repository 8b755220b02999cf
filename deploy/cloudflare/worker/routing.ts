/**
 * Which instance gets a request.
 *
 * An instance knows only the events that it took itself, so a retry is recognized where the first try
 * went. Therefore `sticky` is the default: a client's requests go to one instance, by its address and,
 * where a request shows it outside the body, its project token. `spread` picks at random. It suits
 * traffic that comes from few addresses, such as a backend's, which `sticky` would put on one instance;
 * a retry may then be stored twice, to be told apart by its uuid in queries.
 */

import { visibleToken } from './token.ts'

/** Variables that decide on it. */
export interface RoutingSettings {
  /** How many instances share the requests, 1 if unset. */
  readonly HOGFLARE_INSTANCES?: string
  /** `sticky`, if unset, or `spread`. */
  readonly HOGFLARE_ROUTING?: string
}

/**
 * Returns the name of the instance for a request that still has Cloudflare's own headers.
 *
 * Throws when a setting makes no sense: a wrong number of instances should show at once, not as
 * duplicates later.
 */
export function instanceFor(request: Request, settings: RoutingSettings): string {
  const instances = instanceCount(settings.HOGFLARE_INSTANCES || '1')
  return `instance-${choose(request, settings.HOGFLARE_ROUTING || 'sticky', instances)}`
}

function choose(request: Request, routing: string, instances: number): number {
  switch (routing) {
    case 'sticky':
      return hash(clientKey(request)) % instances
    case 'spread':
      return Math.floor(Math.random() * instances)
    default:
      throw new Error('HOGFLARE_ROUTING: expected sticky or spread')
  }
}

function instanceCount(text: string): number {
  if (!/^[1-9][0-9]{0,3}$/.test(text)) throw new Error('HOGFLARE_INSTANCES: expected a number from 1 to 9999')
  return Number(text)
}

function clientKey(request: Request): string {
  return `${request.headers.get('cf-connecting-ip') ?? ''} ${visibleToken(request)}`
}

/** FNV-1a of the text's UTF-8, 32 bits: the same on every machine and in every version. */
function hash(text: string): number {
  const bytes = new TextEncoder().encode(text)
  return bytes.reduce((state, byte) => Math.imul(state ^ byte, 0x01000193) >>> 0, 0x811c9dc5)
}
