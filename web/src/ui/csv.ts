// Tables as files.

export type CsvValue = string | number | boolean | null | undefined

const field = (value: CsvValue): string => {
  if (value === null || value === undefined) return ''
  const text = String(value)
  // A spreadsheet would run what begins so; values of events are strangers' text.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export const toCsv = (header: string[], rows: CsvValue[][]): string =>
  [header, ...rows].map((row) => row.map(field).join(',')).join('\r\n') + '\r\n'

/** Gives a text to the browser to save. */
export const save = (name: string, text: string, type = 'text/csv;charset=utf-8') => {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

/** A name for a file: `top-pages-2026-11-23.csv`. */
export const fileName = (title: string): string => {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  return `${slug || 'hogflare'}-${new Date().toISOString().slice(0, 10)}.csv`
}
