// Persons and groups: who there is.
import { Button, Skeleton, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { askPersons } from '~/api/persons'
import { askSql, text } from '~/api/sql'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { type Scope, useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { Page } from '~/ui/Page'
import { Empty, Trouble } from '~/ui/States'
import { Tabs } from '~/ui/Tabs'
import classes from './Persons.module.css'
import { lastSeen, ownId, personName, shortName } from './personName'

interface GroupType {
  group_type_index: number
  group_type: string
}

/** The names of a project's types of groups; of one that was renamed the latest. */
export const useGroupTypes = (team: number) =>
  useQuery({
    queryKey: ['group-types', team],
    queryFn: ({ signal }) =>
      askSql<GroupType>(
        `SELECT group_type_index, group_type FROM group_types WHERE team_id = ${team} ORDER BY group_type_index`,
        signal,
      ),
    staleTime: 5 * 60_000,
  })

const Persons = () => {
  const scope = useScope()
  const { search = '', show } = useSearch({ from: '/app/persons' })
  const navigate = useNavigate({ from: '/persons' })
  const [typed, setTyped] = useState(search)
  const types = useGroupTypes(scope.team)
  const group = types.data?.find(({ group_type }) => group_type === show)
  const apply = useDebouncedCallback(
    (wanted: string) => void navigate({ search: (old) => ({ ...old, search: wanted || undefined }), replace: true }),
    200,
  )
  return (
    <Page
      title="Persons"
      end={
        <TextInput
          className={classes.search}
          leftSection={<IconSearch size={14} stroke={1.6} />}
          placeholder={group ? 'Key' : 'Distinct id, email or name'}
          aria-label="Search"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            apply(event.currentTarget.value.trim())
          }}
        />
      }
    >
      {types.data && types.data.length > 0 && (
        <Tabs
          label="Persons or groups"
          isLarge
          value={group?.group_type ?? ''}
          tabs={[
            { value: '', label: 'Persons' },
            ...types.data.map(({ group_type }) => ({
              value: group_type,
              label: `${group_type.slice(0, 1).toUpperCase()}${group_type.slice(1)}`,
            })),
          ]}
          onChange={(value) => void navigate({ search: (old) => ({ ...old, show: value || undefined }) })}
        />
      )}
      {group ? <Groups scope={scope} type={group} search={search} /> : <List scope={scope} search={search} />}
    </Page>
  )
}

const List = ({ scope, search }: { scope: Scope; search: string }) => {
  const navigate = useNavigate()
  const pages = useInfiniteQuery({
    queryKey: ['persons', scope.team, search],
    queryFn: ({ pageParam, signal }) => askPersons(scope.team, search, pageParam, signal),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next,
  })
  const persons = pages.data?.pages.flatMap((page) => page.persons) ?? []
  if (pages.error && !pages.data)
    return <Trouble error={pages.error} retry={() => void pages.refetch()} what="Persons could not be shown" />
  if (!pages.data) return <ListSkeleton />
  if (persons.length === 0) {
    return (
      <div className={classes.frame}>
        <Empty title={search ? 'Nobody is called so' : 'Nobody yet'}>
          {search
            ? 'Distinct ids, emails and names are searched, upper and lower case alike.'
            : 'Persons appear with the first event that makes a profile, such as one after posthog.identify().'}
        </Empty>
      </div>
    )
  }
  return (
    <div className={classes.frame} data-stale={pages.isPlaceholderData || undefined}>
      <DataTable
        label="Persons"
        isSortable={false}
        rows={persons}
        onRow={({ id }) => void navigate({ to: '/persons/$id', params: { id }, search: keep as never })}
        columns={[
          {
            title: 'Person',
            of: personName,
            show: (person) => (
              <>
                <span className={classes.name}>{shortName(person)}</span>
              </>
            ),
          },
          { title: 'Email', of: ({ properties }) => (typeof properties.email === 'string' ? properties.email : null) },
          {
            title: 'Distinct id',
            of: ({ distinct_ids }) => distinct_ids[0],
            show: ({ distinct_ids }) => <Ids ids={distinct_ids} />,
          },
          {
            title: 'First seen',
            of: ({ created_at }) => created_at,
            show: ({ created_at }) => <span title={format.time(created_at, scope.zone)}>{format.ago(created_at)}</span>,
            width: 120,
          },
          {
            title: 'Last seen',
            of: ({ last_seen_at }) => last_seen_at,
            show: (person) => lastSeen(person),
            width: 140,
          },
        ]}
      />
      {pages.hasNextPage && (
        <Button
          variant="subtle"
          color="gray"
          fullWidth
          loading={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          More
        </Button>
      )}
    </div>
  )
}

const Ids = ({ ids }: { ids: string[] }) => (
  <span className="muted">
    {ownId(ids) ?? format.NOTHING}
    {ids.length > 1 && ` +${ids.length - 1}`}
  </span>
)

const ListSkeleton = () => (
  <div className={`${classes.frame} ${classes.skeleton}`}>
    {Array.from({ length: 12 }, (_, index) => (
      <Skeleton key={index} height={22} />
    ))}
  </div>
)

interface Group {
  group_key: string
  group_properties: string
  created_at: string
}

const Groups = ({ scope, type, search }: { scope: Scope; type: GroupType; search: string }) => {
  const navigate = useNavigate()
  const like = search
    ? ` AND contains(lower(group_key || ' ' || coalesce(group_properties->>'name', '')), ${text(search.toLowerCase())})`
    : ''
  const groups = useQuery({
    queryKey: ['groups', scope.team, type.group_type_index, search],
    queryFn: ({ signal }) =>
      askSql<Group>(
        `SELECT group_key, group_properties, created_at FROM groups WHERE team_id = ${scope.team} AND group_type_index = ${type.group_type_index}${like} ORDER BY created_at DESC, group_key LIMIT 500`,
        signal,
      ),
  })
  if (groups.error && !groups.data)
    return <Trouble error={groups.error} retry={() => void groups.refetch()} what="Groups could not be shown" />
  if (!groups.data) return <ListSkeleton />
  if (groups.data.length === 0) {
    return (
      <div className={classes.frame}>
        <Empty
          title={search ? 'No group is called so' : 'No groups yet'}
        >{`posthog.group('${type.group_type}', …) makes them.`}</Empty>
      </div>
    )
  }
  return (
    <div className={classes.frame} data-stale={groups.isPlaceholderData || undefined}>
      <DataTable
        label={type.group_type}
        rows={groups.data}
        onRow={({ group_key }) =>
          void navigate({
            to: '/group/$type/$key',
            params: { type: String(type.group_type_index), key: group_key },
            search: keep as never,
          })
        }
        columns={[
          {
            title: 'Name',
            of: nameOfGroup,
            show: (group) => <span className={classes.name}>{nameOfGroup(group)}</span>,
          },
          {
            title: 'Key',
            of: ({ group_key }) => group_key,
            show: ({ group_key }) => <span className="muted">{group_key}</span>,
          },
          {
            title: 'Since',
            of: ({ created_at }) => created_at,
            show: ({ created_at }) => format.ago(created_at),
            width: 120,
          },
        ]}
      />
    </div>
  )
}

export const propertiesOf = (json: string): Record<string, unknown> => {
  try {
    return JSON.parse(json) as Record<string, unknown>
  } catch {
    return {}
  }
}

const nameOfGroup = ({ group_key, group_properties }: Group): string => {
  const { name } = propertiesOf(group_properties)
  return typeof name === 'string' && name !== '' ? name : group_key
}

export default Persons
