// What a table of cohorts says: which of its spans are yet to come, and what is so on average.
import type { Cohort, RetentionPeriod } from '~/api/types'

const HOURS: Record<RetentionPeriod, number> = { Hour: 1, Day: 24, Week: 168, Month: 672 }

/** Whether the span so much after a cohort's beginning has not begun. */
export const isToCome = (began: number, interval: number, period: RetentionPeriod, now: number): boolean => {
  if (period !== 'Month') return began + interval * HOURS[period] * 3_600_000 > now
  const date = new Date(began)
  date.setUTCMonth(date.getUTCMonth() + interval)
  return date.getTime() > now
}

/** The share of those who came again in each span, over all cohorts that had it whole, by how many each are. */
export const average = (
  cohorts: Cohort[],
  isWhole: (cohort: Cohort, interval: number) => boolean,
): (number | undefined)[] =>
  (cohorts[0]?.values ?? []).map((_, interval) => {
    const counted = cohorts.filter((cohort) => interval === 0 || isWhole(cohort, interval))
    const sum = (at: number) => counted.reduce((total, cohort) => total + (cohort.values[at]?.count ?? 0), 0)
    return sum(0) > 0 ? sum(interval) / sum(0) : undefined
  })

/** From the first cohort on in which anybody came. */
export const begun = (cohorts: Cohort[]): Cohort[] => {
  const first = cohorts.findIndex(({ values }) => (values[0]?.count ?? 0) > 0)
  return first > 0 ? cohorts.slice(first) : cohorts
}
