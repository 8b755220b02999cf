// Ways as a Sankey diagram has them: nodes in columns, and what flows between them.
import type { Edge } from '~/api/types'
import { eventName } from '~/format/format'

/** An item with its place in the way: `2_/pricing`. */
export const itemOf = (key: string): { step: number; item: string } => {
  const at = key.indexOf('_')
  const step = Number(key.slice(0, at))
  return Number.isInteger(step) && at > 0 ? { step, item: key.slice(at + 1) } : { step: 1, item: key }
}

/** An item as people say it: the path of an address, an event's own name. */
export const said = (item: string, hosts: Set<string>): string => {
  const [, host, path] = /^https?:\/\/([^/]+)(\/.*)?$/.exec(item) ?? []
  if (host === undefined) return eventName(item)
  const shown = path ?? '/'
  return hosts.size > 1 ? `${host}${shown}` : shown
}

/** The hosts of all addresses. */
export const hostsOf = (edges: Edge[]): Set<string> =>
  new Set(
    edges
      .flatMap(({ source, target }) => [source, target])
      .map((key) => /^https?:\/\/([^/]+)/.exec(itemOf(key).item)?.[1])
      .filter((host) => host !== undefined),
  )

export interface WayNode {
  key: string
  label: string
  step: number
  /** How many come to it, or begin there. */
  value: number
  /** How many go on from it. */
  goOn: number
}

export const nodesOf = (edges: Edge[]): WayNode[] => {
  const hosts = hostsOf(edges)
  const nodes = new Map<string, WayNode & { into: number }>()
  const at = (key: string) => {
    const known = nodes.get(key)
    if (known) return known
    const { step, item } = itemOf(key)
    const made = { key, label: said(item, hosts), step, value: 0, into: 0, goOn: 0 }
    nodes.set(key, made)
    return made
  }
  for (const { source, target, value } of edges) {
    at(source).goOn += value
    at(target).into += value
  }
  return [...nodes.values()]
    .map(({ into, ...node }) => ({ ...node, value: Math.max(into, node.goOn) }))
    .sort((one, other) => one.step - other.step || other.value - one.value || one.key.localeCompare(other.key))
}
