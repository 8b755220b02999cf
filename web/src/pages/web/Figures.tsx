// The figures of visits: side by side, and each, where that is wanted, what a chart shows.
import { Skeleton, UnstyledButton } from '@mantine/core'
import type { WebOverviewAnswer } from '~/api/types'
import { Change } from '~/ui/BarList'
import { FIGURES, type Figure, figureOf, type Metric } from './visits'
import classes from './Web.module.css'

interface Props {
  answer: WebOverviewAnswer | undefined
  isCompared: boolean
  isStale?: boolean
  chosen?: Metric
  onChoose?: (metric: Metric) => void
}

export const Figures = ({ answer, isCompared, isStale, chosen, onChoose }: Props) => (
  <div
    className={classes.figures}
    data-stale={isStale || undefined}
    data-flat={onChoose ? undefined : true}
    {...(onChoose ? { role: 'tablist', 'aria-label': 'What the chart shows' } : {})}
  >
    {FIGURES.map((figure) => {
      const inside = <Inside figure={figure} answer={answer} isCompared={isCompared} />
      return onChoose ? (
        <UnstyledButton
          key={figure.metric}
          className={classes.figure}
          role="tab"
          aria-selected={figure.metric === chosen}
          data-active={figure.metric === chosen || undefined}
          onClick={() => onChoose(figure.metric)}
        >
          {inside}
        </UnstyledButton>
      ) : (
        <div key={figure.metric} className={classes.figure}>
          {inside}
        </div>
      )
    })}
  </div>
)

const Inside = ({ figure, answer, isCompared }: { figure: Figure } & Pick<Props, 'answer' | 'isCompared'>) => (
  <>
    <span className={classes.label}>{figure.label}</span>
    <span className={classes.number}>
      {answer ? figure.show(figureOf(answer, figure.metric)) : <Skeleton height={26} width={72} />}
    </span>
    {isCompared && (
      <span className={classes.before}>
        {answer ? <Compared figure={figure} answer={answer} /> : <Skeleton height={12} width={90} mt={4} />}
      </span>
    )}
  </>
)

const Compared = ({ figure, answer }: { figure: Figure; answer: WebOverviewAnswer }) => {
  const [now, before] = [figureOf(answer, figure.metric), figureOf(answer, figure.metric, 'previous')]
  return (
    <>
      <Change now={now ?? 0} before={before} isBadMore={figure.isBadMore ?? false} />
      <span className="unit">from {figure.show(before)}</span>
    </>
  )
}
