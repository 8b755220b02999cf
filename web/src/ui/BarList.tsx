// A list of values with a bar each: a click shows only that value, another key leaves it out.
import { ActionIcon, Skeleton, Tooltip } from '@mantine/core'
import { IconFilterMinus } from '@tabler/icons-react'
import type { ReactNode } from 'react'
import * as format from '~/format/format'
import classes from './BarList.module.css'

export interface Bar {
  key: string
  label: ReactNode
  title: string
  value: number
  /** A second number, beside the first. */
  other?: number | undefined
  /** What it was before. */
  before?: number | undefined
  onPick?: (() => void) | undefined
  onExclude?: (() => void) | undefined
  isPicked?: boolean
}

interface Props {
  bars: Bar[]
  heads: [string, string, string?]
  /** Bars are shares of this; of the largest where nothing is said. */
  whole?: number
}

export const BarList = ({ bars, heads, whole }: Props) => {
  const most = whole ?? Math.max(1, ...bars.map((bar) => bar.value))
  return (
    <div className={classes.list}>
      <div className={classes.heads} aria-hidden>
        <span>{heads[0]}</span>
        <span className={classes.numbers}>
          {heads[2] && <span className={classes.other}>{heads[2]}</span>}
          <span className={classes.value}>{heads[1]}</span>
        </span>
      </div>
      <ul className={classes.rows} aria-label={heads[0]}>
        {bars.map((bar) => (
          <li key={bar.key} className={classes.row} data-picked={bar.isPicked || undefined}>
            <span className={classes.fill} style={{ width: `${Math.max(0.5, (bar.value / most) * 100)}%` }} />
            {bar.onPick ? (
              <button
                type="button"
                className={classes.label}
                onClick={bar.onPick}
                title={bar.title}
                aria-pressed={bar.isPicked ?? false}
              >
                <span className="hidden">Only </span>
                {bar.label}
              </button>
            ) : (
              <span className={classes.label} title={bar.title}>
                {bar.label}
              </span>
            )}
            {bar.onExclude && (
              <Tooltip label="Leave it out">
                <ActionIcon
                  size="xs"
                  className={classes.exclude}
                  onClick={bar.onExclude}
                  aria-label={`Leave out ${bar.title}`}
                >
                  <IconFilterMinus size={14} stroke={1.6} />
                </ActionIcon>
              </Tooltip>
            )}
            <span className={classes.numbers}>
              {bar.before !== undefined && <Change now={bar.value} before={bar.before} />}
              {bar.other !== undefined && <span className={classes.other}>{format.compact(bar.other)}</span>}
              <span className={classes.value}>{format.compact(bar.value)}</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}

export const Change = ({
  now,
  before,
  isBadMore = false,
}: {
  now: number
  before: number | null | undefined
  isBadMore?: boolean
}) => {
  const shown = format.change(now, before)
  if (shown === undefined) return <span className="unit" />
  const isMore = shown.startsWith('+')
  const tone = shown === '0%' ? 'muted' : isMore === isBadMore ? 'bad' : 'good'
  return <span className={`${classes.change} ${tone}`}>{shown}</span>
}

export const BarListSkeleton = ({ rows = 8 }: { rows?: number }) => (
  <div className={classes.skeleton}>
    {Array.from({ length: rows }, (_, index) => (
      <Skeleton key={index} height={20} width={`${92 - index * 8}%`} />
    ))}
  </div>
)
