/**
 * Where a client is, as headers. `request.cf` is an object of the Workers runtime and never reaches a
 * container, so its members are copied.
 */

/** What Cloudflare knows of a client; any member may be absent. */
export type Geography = Readonly<Record<string, unknown>>

const CONTINENTS: Readonly<Record<string, string>> = {
  AF: 'Africa',
  AN: 'Antarctica',
  AS: 'Asia',
  EU: 'Europe',
  NA: 'North America',
  OC: 'Oceania',
  SA: 'South America',
}

/** Cloudflare's code for "unknown". Its other code that is no country, T1 for Tor, says something. */
const UNKNOWN_COUNTRY = 'XX'

const countryNames = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })

/**
 * Returns header names and values; what is not known has none. Values are percent-encoded UTF-8,
 * since header values are bytes and places have names like São Paulo.
 */
export function geographyHeaders(cf: Geography): [name: string, value: string][] {
  const country = cf['country'] === UNKNOWN_COUNTRY ? undefined : cf['country']
  const known: Record<string, unknown> = {
    country,
    'country-name': countryName(country),
    continent: cf['continent'],
    'continent-name': CONTINENTS[String(cf['continent'])],
    region: cf['region'],
    'region-code': cf['regionCode'],
    city: cf['city'],
    'postal-code': cf['postalCode'],
    latitude: cf['latitude'],
    longitude: cf['longitude'],
    timezone: cf['timezone'],
    asn: cf['asn'],
    'as-organization': cf['asOrganization'],
    colo: cf['colo'],
    'metro-code': cf['metroCode'],
  }
  return Object.entries(known)
    .filter((entry): entry is [string, string | number] => isKnown(entry[1]))
    .map(([name, value]) => [`x-hogflare-${name}`, encodeURIComponent(String(value).toWellFormed())])
}

function isKnown(value: unknown): value is string | number {
  return (typeof value === 'string' && value !== '') || typeof value === 'number'
}

function countryName(code: unknown): string | undefined {
  // Anything else is not in ISO 3166, like T1, and would throw.
  return typeof code === 'string' && /^[A-Z]{2}$/.test(code) ? countryNames.of(code) : undefined
}
