import type { LimiterWatch } from '#src/http/limiter.ts'
import type { Answered } from '#src/http/router.ts'
import type { Instruments } from './instruments.ts'

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

export type HttpMetrics = { answered: (answered: Answered) => void; limiters: LimiterWatch }

export function createHttpMetrics(instruments: Instruments): HttpMetrics {
  const requests = instruments.tally({ name: 'http_requests_total', help: 'Answered HTTP requests' }, [
    'route',
    'method',
    'status',
  ])
  const seconds = instruments.histogram(
    {
      name: 'http_request_duration_seconds',
      help: 'Time from the head of a request to the head of its answer',
    },
    SECONDS,
    ['route', 'method'],
  )
  const rejections = instruments.tally(
    { name: 'rate_limit_rejections_total', help: 'Requests refused by a rate limit (429)' },
    ['operation'],
  )
  const insurance = instruments.tally(
    {
      name: 'rate_limit_insurance_total',
      help: 'Requests that this process counted alone, since Redis did not answer',
    },
    [],
    [[]],
  )
  return {
    answered({ route, status, ...request }) {
      const method = methods.has(request.method) ? request.method : 'other'
      requests.add([route, method, String(status)])
      seconds.observe({ route, method }, request.seconds)
    },
    limiters: {
      made: (operation) => rejections.expect(operation),
      rejected: (operation) => rejections.add([operation]),
      insured: () => insurance.add(),
    },
  }
}
