// How long a point of an answer is.
import type { Interval } from '~/api/types'
import { intervalsOf, usualInterval } from '~/filters/range'
import type { Scope } from '~/scope'
import type { Question } from './question'

/** The interval that is asked for, if the range can have it. */
export const intervalOf = (question: Question, { range }: Pick<Scope, 'range'>): Interval => {
  const offered = intervalsOf(range)
  return offered.find((one) => one === question.interval) ?? usualInterval(range)
}
