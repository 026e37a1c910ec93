import { calcPrice } from '@pydantic/genai-prices'
import type { Cost } from './agent/cost.ts'

/**
 * The cost in US dollars, by the prices in `@pydantic/genai-prices`, which you install beside this package. Undefined for a
 * model that it does not know, and for usage that does not tell input from output.
 */
export const modelCost: Cost = ({ model, provider, input_tokens, output_tokens = 0, ...usage }) => {
  if (!model || (input_tokens === undefined && output_tokens === 0)) return undefined
  const { cache_read_input_tokens = 0, cache_creation_input_tokens = 0 } = usage
  const price = calcPrice(
    {
      // What was cached is part of the input.
      input_tokens: Math.max(input_tokens ?? 0, cache_read_input_tokens + cache_creation_input_tokens),
      cache_read_tokens: cache_read_input_tokens,
      cache_write_tokens: cache_creation_input_tokens,
      output_tokens,
    },
    model,
    provider ? { providerId: provider } : {},
  )
  return price?.total_price
}
