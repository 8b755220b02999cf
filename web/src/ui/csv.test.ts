import { expect, it } from 'vitest'
import { fileName, toCsv } from './csv'

it('quotes what needs it', () => {
  expect(
    toCsv(
      ['a', 'b'],
      [
        ['x,y', 'say "hi"'],
        ['line\nbreak', null],
        [1.5, true],
      ],
    ),
  ).toBe('a,b\r\n"x,y","say ""hi"""\r\n"line\nbreak",\r\n1.5,true\r\n')
})

it('gives a spreadsheet nothing to run, and leaves numbers as they are', () => {
  expect(toCsv(['v'], [['=1+1'], ['+x'], ['@y'], ['-z'], [-3]])).toBe("v\r\n'=1+1\r\n'+x\r\n'@y\r\n'-z\r\n-3\r\n")
})

it('names files by what is in them', () => {
  expect(fileName('Top pages & more')).toMatch(/^top-pages-more-\d{4}-\d\d-\d\d\.csv$/)
})
