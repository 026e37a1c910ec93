import { hash, verify } from '@node-rs/argon2'

/** Argon2id with OWASP's first recommendation; the library's default algorithm is argon2id. */
const options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

export function hashPassword(password: string): Promise<string> {
  return hash(password, options)
}

/** One a process, whoever asks: it is no account's, and making it costs as much as a sign-in. */
let decoy: Promise<string> | undefined

/** Checks a password; without a hash (unknown user) it does the same work and says no. */
export async function checkPassword(password: string, password_hash: string | undefined): Promise<boolean> {
  decoy ??= hashPassword('no account has this password')
  const matches = await verify(password_hash ?? (await decoy), password)
  return matches && password_hash !== undefined
}
