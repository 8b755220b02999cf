// A place to write SQL, which knows the tables.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { PostgreSQL, sql, SQLDialect } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { Compartment, EditorState, Prec } from '@codemirror/state'
import { EditorView, keymap, lineNumbers, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import type { Schema } from './schema'

interface Props {
  value: string
  onChange: (text: string) => void
  onRun: (text: string) => void
  schema: Schema | undefined
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--faint)', fontStyle: 'italic' },
  { tag: tags.typeName, color: 'var(--series-2)' },
])

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', color: 'var(--text)', backgroundColor: 'var(--surface)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '20px' },
  '.cm-content': { padding: '12px 0', caretColor: 'var(--accent)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--faint)', border: 'none', paddingLeft: '8px' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground, ::selection': {
    backgroundColor: 'var(--accent-soft) !important',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--hover) !important', outline: '1px solid var(--line-strong)' },
  '.cm-placeholder': { color: 'var(--faint)' },
  '.cm-tooltip': {
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
    backgroundColor: 'var(--surface)',
    color: 'var(--text)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mantine-font-family-monospace)',
    maxHeight: '240px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '2px 8px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal', marginLeft: '12px' },
})

/** Words of the language, without those that are columns here, such as `event` and `timestamp`. */
const dialectOf = (schema: Schema | undefined) => {
  const columns = new Set(schema?.flatMap((table) => table.columns.map(({ name }) => name)))
  const words = (known: string | undefined) =>
    (known ?? '')
      .split(' ')
      .filter((word) => !columns.has(word))
      .join(' ')
  return SQLDialect.define({
    ...PostgreSQL.spec,
    keywords: words(PostgreSQL.spec.keywords),
    types: words(PostgreSQL.spec.types),
  })
}

const language = (schema: Schema | undefined) =>
  sql({
    dialect: dialectOf(schema),
    upperCaseKeywords: true,
    defaultTable: 'events',
    schema: Object.fromEntries(
      (schema ?? []).map(({ table, columns }) => [
        table,
        {
          self: { label: table, type: 'type', detail: 'table' },
          children: columns.map(({ name, type }) => ({ label: name, type: 'property', detail: type })),
        },
      ]),
    ),
  })

const Editor = ({ value, onChange, onRun, schema }: Props) => {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const latest = useRef({ onChange, onRun })
  latest.current = { onChange, onRun }
  const known = useRef(new Compartment())

  useEffect(() => {
    if (!place.current) return
    const run = (made: EditorView) => {
      const { from, to } = made.state.selection.main
      latest.current.onRun(from === to ? made.state.doc.toString() : made.state.sliceDoc(from, to))
      return true
    }
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({
        doc: value,
        extensions: [
          Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
          lineNumbers(),
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          known.current.of(language(schema)),
          syntaxHighlighting(colours),
          look,
          placeholder('SELECT … FROM events'),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ 'aria-label': 'SQL', spellcheck: 'false' }),
          EditorView.updateListener.of(
            (update) => update.docChanged && latest.current.onChange(update.state.doc.toString()),
          ),
          // Escape, and then Tab, leaves the editor.
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
        ],
      }),
    })
    view.current = made
    made.focus()
    return () => made.destroy()
  }, [])

  useEffect(() => {
    view.current?.dispatch({ effects: known.current.reconfigure(language(schema)) })
  }, [schema])

  // What was chosen from the history replaces what is there.
  useEffect(() => {
    const made = view.current
    if (made && made.state.doc.toString() !== value)
      made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: value } })
  }, [value])

  return <div ref={place} style={{ height: '100%' }} />
}

export default Editor
