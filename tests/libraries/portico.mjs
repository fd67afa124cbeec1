// What the scripts share: the conversation with the test that started them, one JSON text a line.
//
// The first line in is the configuration. From then on the script asks and the test answers: `visit` is a user at a
// browser who opens an address, signs in, agrees, and says where the browser was sent in the end.

import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'

// Node 18 has both, but not as globals, where the libraries look for them.
globalThis.crypto ??= webcrypto
globalThis.CryptoKey ??= webcrypto.CryptoKey

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function answer() {
  const { value, done } = await lines.next()
  if (done) throw new Error('the test has gone')
  return JSON.parse(value)
}

async function ask(question) {
  process.stdout.write(`${JSON.stringify(question)}\n`)
  return answer()
}

/** Issuer, clients and addresses, from the test. */
export const settings = await answer()

/** Where the user's browser is sent after it has opened this address. */
export async function visit(url) {
  return new URL((await ask({ visit: String(url) })).arrived)
}

/** Lets the user enter the code that a device shows. */
export async function enter(verificationUri, userCode) {
  await ask({ enter: String(verificationUri), code: userCode })
}

/** Stores public keys as the client's own, as its owner would. */
export async function register(clientId, keys) {
  await ask({ register: clientId, jwks: { keys } })
}

/** Asserts that whatever the promise was of is refused with this code: in a body, a challenge or an address. */
export async function refused(promise, code) {
  const refusal = await promise.then(
    () => assert.fail(`${code} was expected`),
    (error) => error,
  )
  const challenge = refusal.cause?.[0]?.parameters?.error
  assert.equal(refusal.error ?? challenge ?? (await refusal.response?.json())?.error, code, refusal)
}

/** The last word. Closes the conversation, so that the process ends. */
export function finished() {
  process.stdout.write(`${JSON.stringify({ finished: true })}\n`)
  process.stdin.destroy()
}

/** The public half of a key pair as a JWK. */
export async function publicJwk(pair, kid, alg) {
  return { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid, alg, use: 'sig', key_ops: undefined, ext: undefined }
}
