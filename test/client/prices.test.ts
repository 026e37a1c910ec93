import { calcPrice } from '@pydantic/genai-prices'
import { expect, it } from 'vitest'
import { addCosts } from '#src/client/agent/cost.ts'
import { modelCost } from '#src/client/prices.ts'

const large = { model: 'gpt-4o', provider: 'openai' }
/** Dollars for a million tokens of this model, as the package has them. */
const perMillion = (usage: Record<string, number>) =>
  calcPrice(usage, large.model, { providerId: large.provider })?.total_price ?? 0
const input = perMillion({ input_tokens: 1_000_000 })
const output = perMillion({ output_tokens: 1_000_000 })
const cached = perMillion({ input_tokens: 1_000_000, cache_read_tokens: 1_000_000 })

it('a model costs its input, what of that was cached, and its output', () => {
  expect(cached).toBeGreaterThan(0)
  expect(cached).toBeLessThan(input)
  expect(modelCost({ ...large, input_tokens: 2_000_000, output_tokens: 500_000 })).toBeCloseTo(
    2 * input + output / 2,
  )
  const half = { ...large, input_tokens: 1_000_000, cache_read_input_tokens: 500_000 }
  expect(modelCost(half)).toBeCloseTo((input + cached) / 2)
  expect(
    modelCost({ ...large, cache_read_input_tokens: 1_000_000, output_tokens: 0, input_tokens: 0 }),
  ).toBeCloseTo(cached)
  expect(modelCost({ model: large.model, output_tokens: 1_000_000 })).toBeCloseTo(output)
})

it('a model without a known price costs nothing that is counted', () => {
  expect(modelCost({ model: 'our-own', input_tokens: 5 })).toBeUndefined()
  expect(modelCost({ ...large, provider: 'our-own', input_tokens: 5 })).toBeUndefined()
  expect(modelCost({ input_tokens: 5 })).toBeUndefined()
  expect(modelCost({ ...large, tokens_used: 5 })).toBeUndefined()
})

it('only usage with tokens and without a cost is priced', () => {
  const cost = () => '0.5'
  expect(addCosts({ tokens_used: 1 }, cost)).toEqual({ tokens_used: 1, cost_incurred: '0.5' })
  expect(
    addCosts([{ input_tokens: 1 }, { tasks_completed: 1 }, { tokens_used: 1, cost_incurred: 0 }], cost),
  ).toEqual([
    { input_tokens: 1, cost_incurred: '0.5' },
    { tasks_completed: 1 },
    { tokens_used: 1, cost_incurred: 0 },
  ])
  expect(addCosts(undefined, cost)).toBeUndefined()
  expect(addCosts({ tokens_used: 1 }, undefined)).toEqual({ tokens_used: 1 })
})
