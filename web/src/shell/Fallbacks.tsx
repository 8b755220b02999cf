// Addresses without a page, and pages that broke.
import { Skeleton } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Trouble } from '~/ui/States'

export const NotFound = () => (
  <div style={{ padding: 48 }}>
    <h1>There is no such page</h1>
    <p className="muted">
      The address may be mistyped. <Link to="/">Go home</Link>
    </p>
  </div>
)

export const PageFailure = ({ error }: { error: unknown }) => (
  <div style={{ padding: 48 }}>
    <Trouble
      error={error instanceof Error ? error : new Error(String(error))}
      retry={() => location.reload()}
      what="This page could not be shown"
    />
  </div>
)

/** A page that is on its way. */
export const PageSkeleton = () => (
  <div aria-busy style={{ display: 'grid', gap: 16 }}>
    <Skeleton height={28} width={160} />
    <Skeleton height={72} />
    <Skeleton height={300} />
    <div style={{ display: 'grid', gridTemplateColumns: '1fr 1fr', gap: 16 }}>
      <Skeleton height={320} />
      <Skeleton height={320} />
    </div>
  </div>
)
