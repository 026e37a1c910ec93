/** One spelling for equal text, to compare and to find by. */
export function fold(text: string): string {
  return text.toLowerCase().normalize('NFC')
}

/** A password as RFC 8265 (OpaqueString) maps it: any space is U+0020, and accents are composed. No character is refused. */
export function toOpaqueString(password: string): string {
  return password.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC')
}

/** The spellings under which a password may be hashed: the prescribed one, and those of keyboards from before the rule. */
export function passwordSpellings(password: string): string[] {
  return [...new Set([toOpaqueString(password), password, password.normalize('NFD')])]
}
