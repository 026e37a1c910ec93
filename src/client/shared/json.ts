/** JSON would write NaN and infinity as null, which would remove a limit; so they are refused. */
export function toJson(value: object): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (typeof inner !== 'number' || Number.isFinite(inner)) return inner
    throw new RangeError(`${key} must be a finite number, not ${inner}`)
  })
}
