import { passwordSpellings, toOpaqueString } from '#src/domain/text.ts'

/** Argon2id with OWASP's first recommendation; the library's default algorithm is argon2id. */
const options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

type Library = typeof import('@node-rs/argon2')
let library: Promise<Library> | undefined

/** Loads the library. Its code for each kind of machine is an optional package, which an install may have left out. */
export function loadHashing(): Promise<Library> {
  library ??= import('@node-rs/argon2').catch(() => {
    const machine = `${process.platform} ${process.arch}`
    throw new Error(
      `@node-rs/argon2, which hashes passwords, has no code for this machine (${machine}): install with optional dependencies, without --omit=optional`,
    )
  })
  return library
}

export async function hashPassword(password: string): Promise<string> {
  return (await loadHashing()).hash(toOpaqueString(password), options)
}

/** The hash that an unknown user's password is checked against, made once, since making it costs as much as a sign-in. */
let decoy: Promise<string> | undefined

/** Checks a password. Without a hash (an unknown user) it does the same work and answers false. */
export async function checkPassword(password: string, password_hash: string | undefined): Promise<boolean> {
  decoy ??= hashPassword('no account has this password')
  const against = password_hash ?? (await decoy)
  const { verify } = await loadHashing()
  // Usually there is one: only text beyond ASCII has several spellings.
  for (const spelling of passwordSpellings(password)) {
    if (await verify(against, spelling)) return password_hash !== undefined
  }
  return false
}
