// What openid-client does against Portico, as its documentation shows it, with all its checks on. Plain HTTP on
// loopback is the one thing it is told to allow.

import { enter, finished, publicJwk, refused, register, settings, visit } from './portico.mjs'
import assert from 'node:assert/strict'
import * as client from 'openid-client'

const { issuer, confidential, open, signing, user } = settings
const STRICT = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] }
const SCOPE = 'openid profile email'

/** The whole life of a user's tokens: code, userinfo, refresh, reuse, revocation, logout. */
async function code(config, redirectUri, clientId) {
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const nonce = client.randomNonce()
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    max_age: '3600',
  })
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true, maxAge: 3600 }
  const tokens = await client.authorizationCodeGrant(config, await visit(address), checks)

  const claims = tokens.claims()
  assert.equal(claims.iss, issuer)
  assert.equal(claims.aud, clientId)
  assert.equal(claims.sub, user.id)
  assert.equal(tokens.token_type, 'bearer')
  assert.equal(tokens.expiresIn(), 900)
  assert.equal(tokens.scope, SCOPE)

  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
  assert.equal(info.email, user.email)
  assert.equal(info.name, user.name)

  // Each refresh brings a new refresh token and an ID token about the same sign-in.
  const second = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert.notEqual(second.refresh_token, tokens.refresh_token)
  assert.equal(second.claims().sub, claims.sub)
  assert.equal(second.claims().auth_time, claims.auth_time)
  const third = await client.refreshTokenGrant(config, second.refresh_token, { scope: 'openid' })
  assert.equal(third.scope, 'openid')

  // RP-initiated logout leads back.
  const back = await visit(
    client.buildEndSessionUrl(config, {
      id_token_hint: third.id_token,
      post_logout_redirect_uri: settings.post_logout_redirect_uri,
      state: 'bye',
    }),
  )
  assert.equal(back.href, `${settings.post_logout_redirect_uri}?state=bye`)
  return { first: tokens, last: third }
}

// Discovery: the document of OpenID Connect, and that of RFC 8414.
const config = await client.discovery(new URL(issuer), confidential.id, confidential.secret, undefined, STRICT)
const plain = await client.discovery(new URL(issuer), confidential.id, confidential.secret, undefined, {
  ...STRICT,
  algorithm: 'oauth2',
})
assert.equal(config.serverMetadata().issuer, issuer)
assert.equal(plain.serverMetadata().token_endpoint, config.serverMetadata().token_endpoint)
assert.ok(config.serverMetadata().supportsPKCE())
assert.equal(config.serverMetadata().authorization_response_iss_parameter_supported, true)

// A confidential client: by client_secret_post, which is the library's choice, and by Basic.
const shop = await code(config, settings.redirect_uri, confidential.id)
const basic = await client.discovery(
  new URL(issuer),
  confidential.id,
  undefined,
  client.ClientSecretBasic(confidential.secret),
  STRICT,
)
let told = await client.tokenIntrospection(basic, shop.last.access_token)
assert.equal(told.active, true)
assert.equal(told.client_id, confidential.id)
assert.equal(told.sub, user.id)
told = await client.tokenIntrospection(basic, shop.last.refresh_token, { token_type_hint: 'refresh_token' })
assert.equal(told.active, true)
// A refresh token from two generations ago ends everything that came from it.
await refused(client.refreshTokenGrant(basic, shop.first.refresh_token), 'invalid_grant')
await refused(client.refreshTokenGrant(basic, shop.last.refresh_token), 'invalid_grant')
told = await client.tokenIntrospection(basic, shop.last.access_token)
assert.deepEqual({ ...told }, { active: false })
await refused(client.fetchUserInfo(basic, shop.last.access_token, user.id), 'invalid_token')

// A public client on the user's own machine, on whatever port is free; it revokes what it has.
const none = await client.discovery(new URL(issuer), open.id, undefined, client.None(), STRICT)
const native = await code(none, 'http://127.0.0.1:49213/callback', open.id)
await client.tokenRevocation(none, native.last.refresh_token, { token_type_hint: 'refresh_token' })
await refused(client.refreshTokenGrant(none, native.last.refresh_token), 'invalid_grant')
await refused(client.fetchUserInfo(none, native.last.access_token, user.id), 'invalid_token')

// The application itself: a token for one API, which the gateway takes until it is revoked.
const own = await client.clientCredentialsGrant(basic, { resource: settings.resource })
assert.equal(own.refresh_token, undefined)
assert.equal(own.id_token, undefined)
const call = () => client.fetchProtectedResource(basic, own.access_token, new URL(settings.call), 'GET')
assert.equal((await call()).status, 200)
await client.tokenRevocation(basic, own.access_token)
told = await client.tokenIntrospection(basic, own.access_token)
assert.deepEqual({ ...told }, { active: false })
await refused(client.clientCredentialsGrant(basic, { scope: 'no-such-scope' }), 'invalid_scope')
await refused(client.clientCredentialsGrant(basic, { resource: 'https://elsewhere.example' }), 'invalid_target')

// A device. The library waits as long as it is told to between two questions.
const device = await client.initiateDeviceAuthorization(none, { scope: 'openid' })
assert.ok(device.verification_uri_complete.includes(device.user_code))
await enter(device.verification_uri, device.user_code)
const screen = await client.pollDeviceAuthorizationGrant(none, device)
assert.equal(screen.claims().sub, user.id)
assert.ok(screen.refresh_token)

// A client that signs instead of sending a secret.
for (const alg of ['ES256', 'RS256']) {
  const parameters =
    alg === 'ES256'
      ? { name: 'ECDSA', namedCurve: 'P-256' }
      : { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
  const pair = await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])
  await register(signing.id, [await publicJwk(pair, `key-${alg}`, alg)])
  const method = client.PrivateKeyJwt({ key: pair.privateKey, kid: `key-${alg}` })
  const signed = await client.discovery(new URL(issuer), signing.id, undefined, method, STRICT)
  const token = await client.clientCredentialsGrant(signed)
  assert.equal((await client.tokenIntrospection(signed, token.access_token)).active, true)
}

finished()
