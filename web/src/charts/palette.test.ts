import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SERIES } from './palette'

type Colour = [number, number, number]

// How those see who lack one kind of cones, after Machado, Oliveira and Fernandes (2009).
const EYES: Record<string, Colour[]> = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  'no red': [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  'no green': [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
}

const linear = (hex: string): Colour => {
  const part = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }
  return [part(1), part(3), part(5)]
}

const times = (matrix: Colour[], colour: Colour): Colour =>
  matrix.map((row) => row.reduce((sum, factor, at) => sum + factor * (colour[at] ?? 0), 0)) as Colour

/** Oklab, in which distances are as they are seen. */
const seen = (colour: Colour): Colour => {
  const cones = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    colour,
  ).map((value) => Math.cbrt(Math.max(0, value))) as Colour
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  )
}

const distance = (one: Colour, other: Colour) => Math.hypot(...one.map((value, at) => value - (other[at] ?? 0)))

const luminance = ([red, green, blue]: Colour) => 0.2126 * red + 0.7152 * green + 0.0722 * blue

const contrast = (one: string, other: string) => {
  const [more = 0, less = 0] = [luminance(linear(one)), luminance(linear(other))].sort((left, right) => right - left)
  return (more + 0.05) / (less + 0.05)
}

const schemes = readFileSync('src/app.css', 'utf8').split("[data-mantine-color-scheme='dark'] {")
const tokens = (css: string | undefined) =>
  Object.fromEntries(
    [...(css ?? '').matchAll(/--([a-z0-9-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>

describe.each([
  ['light', tokens(schemes[0])],
  ['dark', tokens(schemes[1])],
])('in the %s scheme', (_, css) => {
  const of = (name: string): string => {
    const value = css[name]
    if (!value) throw new Error(`no ${name}`)
    return value
  }
  const series = Array.from({ length: SERIES }, (_, at) => of(`series-${at + 1}`))

  it.each(Object.entries(EYES))('series are told apart with %s', (_, eyes) => {
    const colours = series.map((hex) =>
      seen(times(eyes, linear(hex)).map((value) => Math.min(1, Math.max(0, value))) as Colour),
    )
    const distances = colours.flatMap((one, at) => colours.slice(at + 1).map((other) => distance(one, other)))
    expect(Math.min(...distances)).toBeGreaterThan(0.07)
  })

  it('series stand out from the page', () => {
    for (const hex of series) expect(contrast(hex, of('surface'))).toBeGreaterThan(2.9)
  })

  it.each(['text', 'muted', 'faint', 'accent', 'good', 'bad', 'warn'])('%s can be read', (name) => {
    for (const ground of ['ground', 'surface', 'sunken']) expect(contrast(of(name), of(ground))).toBeGreaterThan(4.5)
  })

  it('what stands on a bar can be read', () => {
    for (const name of ['text', 'muted', 'good', 'bad']) expect(contrast(of(name), of('bar-fill'))).toBeGreaterThan(4.5)
  })
})
