/** Which variables and secrets of the Worker become environment variables of the container. */

/** Port on which the service listens inside the container. */
export const PORT = 8080

const PASSED_ON = /^(CLOUDFLARE_([A-Z_]+_)?PIPELINE_|POSTHOG_|HOGFLARE_)/

const KEPT = new Set([
  // The Worker's own.
  'HOGFLARE_INSTANCES',
  'HOGFLARE_ROUTING',
  'HOGFLARE_SLEEP_AFTER',
  // Paths on the disk of the container, which the image decides: one from a laptop's .env.local
  // would name a folder that is not there.
  'HOGFLARE_CONFIG',
  'HOGFLARE_DATA_DIR',
  // A Worker passes HTTP only, and there is no lake to ask: one from a laptop's would stop the start.
  'HOGFLARE_PG_ADDR',
  'HOGFLARE_PG_TLS_CERT',
  'HOGFLARE_PG_TLS_KEY',
  // Cloudflare has the certificate, and the Worker asks by http.
  'HOGFLARE_HTTP_ADDR',
  'HOGFLARE_TLS_ACME_ROOT',
  'HOGFLARE_TLS_ACME_URL',
  'HOGFLARE_TLS_CERT',
  'HOGFLARE_TLS_CONTACT',
  'HOGFLARE_TLS_DOMAIN',
  'HOGFLARE_TLS_KEY',
])

/**
 * Returns the container's environment variables. Names go by their beginning, so that a new setting
 * of the service needs no change here; an empty value counts as none.
 */
export function containerVariables(environment: object): Record<string, string> {
  const settings = Object.entries(environment).filter(isPassedOn).sort(([left], [right]) => (left < right ? -1 : 1))
  return { APP_ADDR: `0.0.0.0:${PORT}`, ...Object.fromEntries(settings) }
}

/**
 * Returns a checksum of variables, 64 hexadecimal digits. It says whether two sets are the same, and
 * nothing about the secrets among them.
 */
export async function checksum(variables: Record<string, string>): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(variables))
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function isPassedOn(entry: [string, unknown]): entry is [string, string] {
  const [name, value] = entry
  const isSetting = PASSED_ON.test(name) && !KEPT.has(name)
  return isSetting && typeof value === 'string' && value !== ''
}
