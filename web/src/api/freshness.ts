// How new the rows are that questions get.
import { ask } from './client'
import type { RowsAsOf } from './types'

export const askFreshness = (signal?: AbortSignal): Promise<RowsAsOf> => ask('/api/freshness', { signal })
