/** RFC 3339, UTC, milliseconds: sorts as text. */
export type Time = string

export function addSeconds(time: Time, seconds: number): Time {
  return new Date(Date.parse(time) + seconds * 1000).toISOString()
}
