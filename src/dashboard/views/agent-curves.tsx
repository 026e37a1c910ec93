import { useMemo } from 'preact/hooks'
import type { AgentSummary } from '#src/domain/agent.ts'
import type { AgentEventFrame } from '#src/protocol/messages/event.ts'
import { now } from '../model/clock.ts'
import { formatExactMoney, formatShort } from '../model/format.ts'
import { Chart } from '../parts/chart.tsx'
import type { PlotData } from '../parts/plot.ts'

const tokenSeries = [{ label: 'tokens', color: 'accent' }]
const costSeries = [{ label: 'cost', color: 'brass' }]

/** What the agent has used over time, read from its events. */
export function AgentCurves({ events, agent }: { events: readonly AgentEventFrame[]; agent: AgentSummary }) {
  const points = useMemo(() => {
    const known = events.map((event) => ({
      at: Date.parse(event.at) / 1_000,
      tokens: event.agent.tokens_used,
      cost: Number(event.agent.cost_incurred),
    }))
    const last = known.at(-1) ?? { tokens: agent.tokens_used, cost: Number(agent.cost_incurred), at: 0 }
    const first = known.length > 0 ? [] : [{ ...last, at: now.value / 1_000 - 60 }]
    return [...first, ...known, { ...last, at: Math.max(last.at, now.value / 1_000) }]
  }, [events.length, events.at(-1), now.value, agent])
  const times = points.map(({ at }) => at)
  const tokens: PlotData = [times, points.map((point) => point.tokens)]
  const cost: PlotData = [times, points.map((point) => point.cost)]
  return (
    <div class="charts charts-two">
      <Chart
        title="Tokens"
        value={formatShort(agent.tokens_used)}
        summary={`Tokens used: ${agent.tokens_used}`}
        series={tokenSeries}
        format={formatShort}
        isWhole
        data={tokens}
        shape="step"
        cursor="agent"
      />
      <Chart
        title="Cost"
        value={formatExactMoney(Number(agent.cost_incurred))}
        summary={`Cost: ${formatExactMoney(Number(agent.cost_incurred))}`}
        series={costSeries}
        format={formatExactMoney}
        data={cost}
        shape="step"
        cursor="agent"
      />
    </div>
  )
}
