// How answers are kept: old ones are shown, dimmed, until new ones are there.
import { keepPreviousData, QueryClient } from '@tanstack/react-query'
import { Failure } from './api/client'

const canHelp = new Set(['unreachable', 'busy'])

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 10 * 60_000,
      refetchOnWindowFocus: false,
      placeholderData: keepPreviousData,
      // What was asked wrongly is wrong the second time, too.
      retry: (count, error) => count < 2 && error instanceof Failure && canHelp.has(error.trouble),
      retryDelay: (count) => 400 * 2 ** count,
    },
  },
})
