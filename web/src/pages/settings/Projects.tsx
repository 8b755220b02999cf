// Projects: names, tokens, clocks; and tokens that no project has, to be claimed or blocked.
import { Autocomplete, Button, Modal, Skeleton, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useMay } from '~/api/access'
import { askTokens, blockToken, changeProject, makeProject, unblockToken } from '~/api/people'
import type { Project } from '~/api/types'
import * as format from '~/format/format'
import { projectsQuery, useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { FormError } from '~/ui/FormError'
import { Empty, Trouble } from '~/ui/States'
import { Wide } from './Part'
import classes from './Settings.module.css'

const ZONES = Intl.supportedValuesOf('timeZone')

type Open = { change: Project } | { claim?: string }

export const Projects = () => {
  const scope = useScope()
  const projects = useQuery(projectsQuery)
  const canChange = useMay('projects')
  const [open, setOpen] = useState<Open>()
  const eventsOf = (id: number) => scope.projects.find(({ team }) => team === id)?.events ?? null
  return (
    <div className={classes.wides}>
      <Wide
        title="Projects"
        about="What stands in the configuration is changed there; see docs/projects.md."
        end={
          canChange && (
            <Button leftSection={<IconPlus size={14} stroke={1.6} />} onClick={() => setOpen({})}>
              New project
            </Button>
          )
        }
      >
        {projects.error && <Trouble error={projects.error} retry={() => void projects.refetch()} />}
        {!projects.data && !projects.error && <Skeleton height={120} />}
        {projects.data?.length === 0 && (
          <Empty title="No project yet">Events come all the same, with tokens that no project has.</Empty>
        )}
        {projects.data && projects.data.length > 0 && (
          <div className={classes.box}>
            <DataTable
              label="Projects"
              rows={projects.data}
              columns={[
                { title: 'Number', of: ({ id }) => id, isNumber: true, width: 72 },
                { title: 'Name', of: ({ name }) => name ?? null },
                { title: 'Token', of: ({ token }) => token, show: ({ token }) => <code>{token}</code> },
                { title: 'Time zone', of: ({ time_zone }) => time_zone },
                { title: 'Events', of: ({ id }) => eventsOf(id), isNumber: true, width: 96 },
                {
                  title: '',
                  of: () => '',
                  show: (one) =>
                    one.is_configured ? (
                      <span className="unit">of the configuration</span>
                    ) : canChange ? (
                      <Button variant="default" onClick={() => setOpen({ change: one })}>
                        Change
                      </Button>
                    ) : null,
                  width: 150,
                },
              ]}
            />
          </div>
        )}
      </Wide>
      {canChange && <Tokens onClaim={(claim) => setOpen({ claim })} />}
      {open && <Form open={open} onClose={() => setOpen(undefined)} />}
    </div>
  )
}

const Form = ({ open, onClose }: { open: Open; onClose: () => void }) => {
  const [name, setName] = useState('change' in open ? (open.change.name ?? '') : '')
  const [zone, setZone] = useState(
    'change' in open ? open.change.time_zone : Intl.DateTimeFormat().resolvedOptions().timeZone,
  )
  const client = useQueryClient()
  const claim = 'claim' in open ? open.claim : undefined
  const saving = useMutation({
    mutationFn: () => {
      const body = { name: name.trim(), time_zone: zone.trim() || 'UTC' }
      if ('change' in open) return changeProject(open.change.id, body)
      return makeProject(claim === undefined ? body : { ...body, token: claim })
    },
    onSuccess: async () => {
      await Promise.all(
        ['projects', 'tokens', 'events-of-projects'].map((key) => client.invalidateQueries({ queryKey: [key] })),
      )
      onClose()
    },
  })
  const title =
    'change' in open ? `Change ${open.change.name ?? 'the project'}` : claim ? `Claim ${claim}` : 'New project'
  return (
    <Modal opened onClose={onClose} title={title}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault()
          saving.mutate()
        }}
      >
        {claim && (
          <p className="muted">
            Events with this token are the project’s from now on. Those that came before stay as they are, without a
            project.
          </p>
        )}
        <TextInput
          label="Name"
          required
          maxLength={200}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Autocomplete
          size="xs"
          label="Time zone"
          description="Where its days begin"
          data={ZONES}
          limit={40}
          value={zone}
          onChange={setZone}
        />
        {saving.error && <FormError error={saving.error} />}
        <Button type="submit" loading={saving.isPending} disabled={name.trim() === ''}>
          {'change' in open ? 'Change it' : claim ? 'Claim it' : 'Make it'}
        </Button>
      </form>
    </Modal>
  )
}

const Tokens = ({ onClaim }: { onClaim: (token: string) => void }) => {
  const client = useQueryClient()
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: ({ signal }) => askTokens(signal) })
  const done = () => client.invalidateQueries({ queryKey: ['tokens'] })
  const blocking = useMutation({ mutationFn: blockToken, onSuccess: done })
  const unblocking = useMutation({ mutationFn: unblockToken, onSuccess: done })
  const error = blocking.error ?? unblocking.error
  const blocked = new Set(tokens.data?.blocked.map(({ token }) => token))
  const projects = useQuery(projectsQuery)
  // Events that came before a token was claimed stay without a project, and have it listed.
  const claimed = new Set(projects.data?.map(({ token }) => token))
  const unclaimed = tokens.data?.unclaimed.filter(({ token }) => !blocked.has(token) && !claimed.has(token)) ?? []
  return (
    <>
      <Wide
        title="Tokens without a project"
        about="Events came with them lately. Claim a token to make a project of it; block it, and its events are dropped."
      >
        {tokens.error && <Trouble error={tokens.error} retry={() => void tokens.refetch()} />}
        {error && <FormError error={error} />}
        {tokens.isPending && <Skeleton height={80} />}
        {tokens.data && unclaimed.length === 0 && <p className="muted">None.</p>}
        {unclaimed.length > 0 && (
          <div className={classes.box}>
            <DataTable
              label="Tokens without a project"
              rows={unclaimed}
              columns={[
                { title: 'Token', of: ({ token }) => token, show: ({ token }) => <code>{token}</code> },
                { title: 'Events', of: ({ events }) => events, isNumber: true, width: 100 },
                {
                  title: 'Last',
                  of: ({ last_event_at }) => last_event_at,
                  show: ({ last_event_at }) => format.ago(last_event_at),
                  width: 110,
                },
                {
                  title: '',
                  of: () => '',
                  show: ({ token }) => (
                    <span className={classes.actions}>
                      <Button variant="default" onClick={() => onClaim(token)} aria-label={`Claim ${token}`}>
                        Claim
                      </Button>
                      <Button variant="default" onClick={() => blocking.mutate(token)} aria-label={`Block ${token}`}>
                        Block
                      </Button>
                    </span>
                  ),
                  width: 160,
                },
              ]}
            />
          </div>
        )}
      </Wide>
      {tokens.data && tokens.data.blocked.length > 0 && (
        <Wide title="Blocked tokens" about="Their events are acknowledged, counted and dropped.">
          <div className={classes.box}>
            <DataTable
              label="Blocked tokens"
              rows={tokens.data.blocked}
              columns={[
                { title: 'Token', of: ({ token }) => token, show: ({ token }) => <code>{token}</code> },
                { title: 'By', of: ({ created_by }) => created_by },
                {
                  title: 'Since',
                  of: ({ created_at }) => created_at,
                  show: ({ created_at }) => format.ago(created_at),
                  width: 110,
                },
                {
                  title: '',
                  of: () => '',
                  show: ({ token }) => (
                    <span className={classes.actions}>
                      <Button
                        variant="default"
                        onClick={() => unblocking.mutate(token)}
                        aria-label={`Take events of ${token} again`}
                      >
                        Unblock
                      </Button>
                    </span>
                  ),
                  width: 110,
                },
              ]}
            />
          </div>
        </Wide>
      )}
    </>
  )
}
