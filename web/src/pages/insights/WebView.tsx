// Visits: figures, and by what they are told apart.
import { Skeleton } from '@mantine/core'
import type { WebOverviewAnswer } from '~/api/types'
import { barsOf, columnsOf } from '~/pages/web/Breakdowns'
import { Figures } from '~/pages/web/Figures'
import { FIGURES, figureOf } from '~/pages/web/visits'
import { BarList } from '~/ui/BarList'
import { tableOf } from '~/ui/Panel'
import { InsightPanel } from './InsightPanel'
import { TABLES, webOverview } from './question'
import { useInsight, usePlace, type ViewProps } from './view'

const HEIGHT = 120

export const WebView = ({ scope, question }: ViewProps) => {
  const answer = useInsight('web-overview', webOverview(question, scope), scope.team)
  const isAlone = usePlace() === undefined
  const by = question.table
  const rowsOf = ({ tables }: WebOverviewAnswer) => (by ? (tables?.[by] ?? []) : [])
  const title = by ? TABLES[by as keyof typeof TABLES] : ''
  return (
    <InsightPanel
      title="Visits"
      head={<span className="muted">Who came, how much they saw, and how long they stayed</span>}
      query={answer}
      height={HEIGHT}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      isEmpty={({ results }) => results.every(({ value }) => !value)}
      table={(data) =>
        by
          ? tableOf({ rows: rowsOf(data), columns: columnsOf(by, title) })
          : tableOf({
              rows: FIGURES.map(({ metric, label, show }) => ({ label, value: figureOf(data, metric), show })),
              columns: [
                { title: 'Figure', of: ({ label }) => label },
                { title: 'Value', of: ({ value }) => value, show: ({ value, show }) => show(value), isNumber: true },
              ],
            })
      }
    >
      {(data) => (
        <>
          <Figures answer={data} isCompared={scope.comparison !== undefined} />
          {by && (
            <div style={{ marginTop: 16 }}>
              <BarList
                bars={barsOf(rowsOf(data), by, isAlone ? scope : undefined, 25)}
                heads={[title, 'Visitors', by === 'Page' || by === 'ScreenName' ? 'Views' : 'Sessions']}
              />
            </div>
          )}
        </>
      )}
    </InsightPanel>
  )
}
