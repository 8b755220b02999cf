// What properties there are, of a sample: how often, of which types, and what they look like.

export interface Sampled {
  key: string
  /** How many of the sample have it. */
  total: number
  types: string[]
  examples: string[]
}

const EXAMPLES = 3
const LONGEST = 80

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return 'number'
  if (typeof value === 'boolean') return 'yes or no'
  if (typeof value === 'object') return 'object'
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d|$)/.test(value) ? 'time' : 'text'
}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** Reads the properties of rows, as JSON; what is none is passed over. The most frequent come first. */
export const sampled = (rows: (string | null)[]): Sampled[] => {
  const found = new Map<string, { total: number; types: Set<string>; examples: Set<string> }>()
  for (const row of rows) {
    for (const [key, value] of Object.entries(parsed(row))) {
      const one = found.get(key) ?? { total: 0, types: new Set(), examples: new Set() }
      found.set(key, one)
      one.total += 1
      one.types.add(typeOf(value))
      if (one.examples.size < EXAMPLES && value !== null && value !== '') one.examples.add(shown(value))
    }
  }
  return [...found]
    .map(([key, { total, types, examples }]) => ({ key, total, types: [...types].sort(), examples: [...examples] }))
    .sort((one, other) => other.total - one.total || one.key.localeCompare(other.key))
}

const parsed = (json: string | null): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(json ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : {}
  } catch {
    return {}
  }
}
