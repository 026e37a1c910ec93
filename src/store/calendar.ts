/**
 * The beginning of the hour, day, week or month, in a time zone, in which a time lies. Weeks begin on Mondays. PostgreSQL knows the rules of the zones: a
 * day may have 23 or 25 hours, and the hour that comes twice is two.
 */
export function bucketOf(time: string, unit: string, zone: string): string {
  return `date_trunc(${unit}, ${time}, ${zone})`
}

/**
 * The first instant of such a bucket. Where the clocks go back at midnight, there are two midnights, and PostgreSQL takes
 * the later one.
 */
export function firstInstant(bucket: string, unit: string, zone: string): string {
  const hourBefore = `${bucket} - interval '1 hour'`
  return `case when ${unit} <> 'hour' and (${hourBefore}) at time zone ${zone} >= ${bucket} at time zone ${zone}
    then ${hourBefore} else ${bucket} end`
}

/** The instant at which the bucket in which a time lies ends, and the next one begins. */
export function endOfBucket(time: string, unit: string, zone: string): string {
  const next = `(date_trunc(${unit}, ${time} at time zone ${zone}) + ('1 ' || ${unit})::interval) at time zone ${zone}`
  // The hour that comes twice is two.
  return `case when ${unit} = 'hour' then ${bucketOf(time, unit, zone)} + interval '1 hour'
    else ${firstInstant(`(${next})`, unit, zone)} end`
}
