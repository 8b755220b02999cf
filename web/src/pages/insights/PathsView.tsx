// Paths: from where to where people go.
import { Skeleton } from '@mantine/core'
import { useMemo } from 'react'
import type { Edge, PathsAnswer } from '~/api/types'
import { Sankey } from '~/charts/Sankey'
import * as format from '~/format/format'
import { DataTable } from '~/ui/DataTable'
import { tableOf } from '~/ui/Panel'
import { InsightPanel } from './InsightPanel'
import classes from './Insights.module.css'
import { paths } from './question'
import { behindOf, useInsight, usePlace, type ViewProps } from './view'
import { hostsOf, itemOf, nodesOf, said } from './ways'

const HEIGHT = 440

export const PathsView = ({ scope, question, onBehind }: ViewProps) => {
  const request = paths(question, scope)
  const answer = useInsight('paths', request, scope.team)
  const place = usePlace()
  const edges = answer.data?.results
  const nodes = useMemo(() => nodesOf(edges ?? []), [edges])
  const hosts = useMemo(() => hostsOf(edges ?? []), [edges])
  const name = (key: string) => said(itemOf(key).item, hosts)
  const ofEdge = (source: string, target: string) =>
    onBehind(
      behindOf('paths', request, scope.team, `From ${name(source)} to ${name(target)}`, {
        pathStartKey: source,
        pathEndKey: target,
      }),
    )
  const ofNode = (key: string) =>
    onBehind(
      behindOf(
        'paths',
        request,
        scope.team,
        `${name(key)}, step ${itemOf(key).step}`,
        itemOf(key).step === 1 ? { pathStartKey: key } : { pathEndKey: key },
      ),
    )
  const time = (source: string, target: string) => {
    const edge = edges?.find((one) => one.source === source && one.target === target)
    return edge ? `${format.duration(edge.average_conversion_time / 1000)} on average` : ''
  }
  return (
    <InsightPanel
      title="Paths"
      head={<span className="muted">Where visits lead, from their first step on</span>}
      query={answer}
      height={HEIGHT}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      isEmpty={({ results }) => results.length === 0}
      empty={{ title: 'No visit has two steps here', text: 'Other events, a longer range or another beginning may.' }}
      table={({ results }: PathsAnswer) => tableOf({ rows: results, columns: columnsOf(name) })}
    >
      {({ results }) => (
        <>
          <Sankey
            label="Paths"
            nodes={nodes}
            edges={results}
            height={place?.height ?? HEIGHT}
            onNode={ofNode}
            onEdge={ofEdge}
            about={time}
          />
          {!place && (
            <div className={classes.legendTable}>
              <DataTable
                label="Ways"
                height={360}
                rows={results}
                columns={columnsOf(name)}
                onRow={({ source, target }) => ofEdge(source, target)}
              />
            </div>
          )}
        </>
      )}
    </InsightPanel>
  )
}

const columnsOf = (name: (key: string) => string) => [
  { title: 'Step', of: ({ source }: Edge) => itemOf(source).step, isNumber: true, width: 64 },
  { title: 'From', of: ({ source }: Edge) => name(source) },
  { title: 'To', of: ({ target }: Edge) => name(target) },
  { title: 'Times', of: ({ value }: Edge) => value, isNumber: true, width: 96 },
  {
    title: 'After, on average',
    of: ({ average_conversion_time }: Edge) => Math.round(average_conversion_time / 1000),
    show: ({ average_conversion_time }: Edge) => format.duration(average_conversion_time / 1000),
    isNumber: true,
    width: 140,
  },
]
