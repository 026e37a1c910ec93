import { describe, expect, it } from 'vitest'
import { Inserted } from '#src/client/adapters/shared/inserted.ts'

describe('messages in a history that a framework rebuilds', () => {
  it('stay in their places, also when a call is repeated', () => {
    const inserted = new Inserted<string>()
    expect(inserted.weave(['system', 'task'], ['first'])).toEqual(['system', 'task', 'first'])
    expect(inserted.weave(['system', 'task'], [])).toEqual(['system', 'task', 'first'])
    inserted.given()
    const later = ['system', 'task', 'answer', 'result']
    expect(inserted.weave(later, ['second'])).toEqual([
      'system',
      'task',
      'first',
      'answer',
      'result',
      'second',
    ])
    inserted.given()
    expect(inserted.weave([...later, 'end'], [])).toEqual([
      ...['system', 'task', 'first', 'answer', 'result', 'second', 'end'],
    ])
  })

  it('are not in another conversation, nor twice where the history has them itself', () => {
    const inserted = new Inserted<string>()
    inserted.weave(['task'], ['first'])
    inserted.given()
    expect(inserted.weave(['other', 'answer'], [])).toEqual(['other', 'answer'])
    expect(inserted.weave(['task', 'first', 'answer'], [])).toEqual(['task', 'first', 'answer'])
    expect(inserted.weave(['task', 'answer'], [])).toEqual(['task', 'first', 'answer'])
    expect(inserted.weave(['task'], [])).toEqual(['task'])
    expect(inserted.weave(['task', 'answer'], [])).toEqual(['task', 'answer'])
  })
})
