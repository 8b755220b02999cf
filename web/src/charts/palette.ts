// The colours of series: eight, told apart by the colour-blind, the same for a series wherever it is drawn.

export const SERIES = 8

/** Beside the eight: what is there for comparison, or has gone. */
export const QUIET = -1

const nameOf = (series: number) => (series === QUIET ? '--series-quiet' : `--series-${(series % SERIES) + 1}`)

const computed = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888'

/** The colour of a series, for a canvas. */
export const colour = (series: number): string => computed(nameOf(series))

/** The same as CSS. */
export const colourOf = (series: number): string => `var(${nameOf(series)})`

/** Colours of everything else that a chart draws. */
export const token = (name: string): string => computed(`--${name}`)
