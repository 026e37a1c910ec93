import pg from 'pg'

type Parser = (text: string) => unknown

/** PostgreSQL writes `2026-11-23 18:03:11.2+00`; the wire has `2026-11-23T18:03:11.200Z`. */
function toWireTime(text: string): string {
  if (!text.endsWith('+00')) return new Date(text).toISOString()
  const fraction = text.slice(19, -3)
  return `${text.slice(0, 10)}T${text.slice(11, 19)}${(fraction || '.').padEnd(4, '0')}Z`
}

/**
 * How both drivers read the column types, by type id. `json` stays text, since the log's frames go out to the letter.
 * Counters stay within what a number holds exactly.
 */
export const parsers: Record<number, Parser> = {
  [pg.types.builtins.INT8]: Number,
  [pg.types.builtins.NUMERIC]: (text) => text,
  [pg.types.builtins.TIMESTAMPTZ]: toWireTime,
  [pg.types.builtins.JSON]: (text) => text,
  [pg.types.builtins.JSONB]: JSON.parse as Parser,
}

export function toPgTypes(own: Record<number, Parser>): pg.CustomTypesConfig {
  return {
    getTypeParser: (id: number, format?: 'text' | 'binary') =>
      (format !== 'binary' && own[id]) || pg.types.getTypeParser(id, format as 'text'),
  } as pg.CustomTypesConfig
}
