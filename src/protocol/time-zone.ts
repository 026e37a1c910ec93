import * as v from 'valibot'

/** PostgreSQL takes these for abbreviations, without summer time. The IANA database has them as other names of places. */
const places: Record<string, string> = {
  cet: 'Europe/Brussels',
  eet: 'Europe/Athens',
  met: 'Europe/Brussels',
  wet: 'Europe/Lisbon',
}

/** The name of an IANA time zone, such as `Europe/Berlin`, as the database understands it. */
export const timeZone = v.pipe(
  v.string(),
  v.check(isTimeZone, 'Must be the name of a time zone, such as Europe/Berlin'),
  v.transform((name) => places[name.toLowerCase()] ?? name),
)

/** An offset such as `+01:00` is no name. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][-+\w/]{0,63}$/.test(name)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}
