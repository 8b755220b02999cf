// Insights: a question on the left, its answer on the right; and those that were saved.
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { askSavedOne } from '~/api/saved'
import { keep } from '~/filters/search'
import { useScope } from '~/scope'
import { FilterBar } from '~/ui/FilterBar'
import { Page } from '~/ui/Page'
import { type Behind, PersonsDrawer } from '~/ui/PersonsDrawer'
import { Tabs } from '~/ui/Tabs'
import { Builder } from './Builder'
import classes from './Insights.module.css'
import { isKind, KINDS, type KindName, type Question, readQuestion, writeQuestion } from './question'
import { SavedList } from './SavedList'
import { SaveInsight } from './SaveInsight'
import { VIEWS } from './views'

const SAVED = 'saved'

const TABS = [
  ...Object.entries(KINDS).map(([value, label]) => ({ value: value as KindName, label: label as string })),
  { value: SAVED as typeof SAVED, label: 'Saved' },
]

const Insights = () => {
  const { kind: named } = useParams({ from: '/app/insights/$kind' })
  const tab = named === SAVED ? SAVED : isKind(named) ? named : 'trends'
  const { id } = useSearch({ from: '/app/insights/$kind' })
  const navigate = useNavigate({ from: '/insights/$kind' })
  const saved = useQuery({
    queryKey: ['saved', 'one', id],
    queryFn: ({ signal }) => askSavedOne('insight', id ?? '', signal),
    enabled: id !== undefined && tab !== SAVED,
    placeholderData: undefined as never,
  })
  const shown = id === undefined ? undefined : saved.data
  return (
    <Page title={shown?.name ?? 'Insights'} end={tab === SAVED ? undefined : <FilterBar />}>
      <div className={classes.kinds}>
        <Tabs
          label="Kind of insight"
          isLarge
          value={tab}
          tabs={TABS}
          onChange={(chosen) =>
            void navigate({
              params: { kind: chosen },
              search: (old) => ({ ...keep(old), ...(chosen === SAVED ? {} : { q: old.q }) }),
            })
          }
        />
      </div>
      {tab === SAVED ? <SavedList /> : <Asked key={id} kind={tab} saved={shown} />}
    </Page>
  )
}

const Asked = ({ kind, saved }: { kind: KindName; saved: React.ComponentProps<typeof SaveInsight>['saved'] }) => {
  const { q } = useSearch({ from: '/app/insights/$kind' })
  const navigate = useNavigate({ from: '/insights/$kind' })
  const scope = useScope()
  const question = useMemo(() => readQuestion(q), [q])
  const [behind, setBehind] = useState<Behind>()
  const change = (changed: Question) =>
    void navigate({ search: (old) => ({ ...old, q: writeQuestion(changed) }), resetScroll: false })
  const View = VIEWS[kind]
  return (
    <>
      <div className={classes.columns}>
        <div className={classes.asked}>
          <Builder kind={kind} question={question} onChange={change} />
          <SaveInsight kind={kind} question={question} scope={scope} saved={saved} />
        </div>
        <div className={classes.answer}>
          <View scope={scope} question={question} onChange={change} onBehind={setBehind} />
        </div>
      </div>
      {behind && <PersonsDrawer behind={behind} onClose={() => setBehind(undefined)} />}
    </>
  )
}

export default Insights
