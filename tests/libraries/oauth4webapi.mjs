// What oauth4webapi does against Portico: each request made and each answer judged by itself, with every check that
// the library has. Plain HTTP on loopback is the one thing it is told to allow.

import { enter, finished, publicJwk, refused, register, settings, visit } from './portico.mjs'
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'

const { issuer, confidential, open, signing, user } = settings
const LOOPBACK = { [oauth.allowInsecureRequests]: true }
const SCOPE = 'openid profile email'

async function discover(algorithm) {
  const response = await oauth.discoveryRequest(new URL(issuer), { algorithm, ...LOOPBACK })
  return oauth.processDiscoveryResponse(new URL(issuer), response)
}

async function atHash(accessToken) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(accessToken))
  return Buffer.from(digest).subarray(0, 16).toString('base64url')
}

/** A code for the user, and the tokens that it is good for. */
async function code(client, auth, redirectUri) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const address = new URL(as.authorization_endpoint)
  address.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    resource: settings.resource,
  })
  const arrived = await visit(address)
  assert.equal(arrived.origin + arrived.pathname, redirectUri)
  // Checks `state`, and that `iss` is there and is the issuer.
  const parameters = oauth.validateAuthResponse(as, client, arrived, state)
  const exchange = () => oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirectUri, verifier, LOOPBACK)
  const response = await exchange()
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, response, LOOPBACK)
  const claims = oauth.getValidatedIdTokenClaims(tokens)
  assert.equal(claims.sub, user.id)
  assert.equal(claims.at_hash, await atHash(tokens.access_token))

  // A resource server takes the access token after RFC 9068, for the API that was named.
  const request = new Request(settings.call, { headers: { authorization: `Bearer ${tokens.access_token}` } })
  const access = await oauth.validateJwtAccessToken(as, request, settings.resource, LOOPBACK)
  assert.deepEqual([access.sub, access.client_id, access.scope], [user.id, client.client_id, SCOPE])
  return { tokens, claims, exchange }
}

async function refresh(client, auth, token, parameters) {
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, token, {
    ...LOOPBACK,
    additionalParameters: parameters,
  })
  const tokens = await oauth.processRefreshTokenResponse(as, client, response)
  if (tokens.id_token) await oauth.validateApplicationLevelSignature(as, response, LOOPBACK)
  return tokens
}

async function introspect(client, auth, token) {
  const response = await oauth.introspectionRequest(as, client, auth, token, LOOPBACK)
  return oauth.processIntrospectionResponse(as, client, response)
}

async function revoke(client, auth, token) {
  return oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, token, LOOPBACK))
}

async function userInfo(client, token) {
  const response = await oauth.userInfoRequest(as, client, token, LOOPBACK)
  return oauth.processUserInfoResponse(as, client, user.id, response)
}

async function clientCredentials(client, auth, parameters) {
  const response = await oauth.clientCredentialsGrantRequest(as, client, auth, parameters, LOOPBACK)
  return oauth.processClientCredentialsResponse(as, client, response)
}

const as = await discover('oidc')
const bare = await discover('oauth2')
for (const [name, value] of Object.entries(bare)) assert.deepEqual(as[name], value, name)
assert.equal(as.authorization_response_iss_parameter_supported, true)

// A confidential client, by both of the ways to send a secret.
const shop = { client_id: confidential.id }
for (const auth of [oauth.ClientSecretBasic(confidential.secret), oauth.ClientSecretPost(confidential.secret)]) {
  const { tokens, claims, exchange } = await code(shop, auth, settings.redirect_uri)
  assert.equal((await userInfo(shop, tokens.access_token)).email, user.email)
  const next = await refresh(shop, auth, tokens.refresh_token)
  assert.notEqual(next.refresh_token, tokens.refresh_token)
  assert.equal(oauth.getValidatedIdTokenClaims(next).auth_time, claims.auth_time)
  assert.equal((await introspect(shop, auth, next.access_token)).active, true)
  await revoke(shop, auth, next.access_token)
  assert.deepEqual(await introspect(shop, auth, next.access_token), { active: false })
  assert.equal((await introspect(shop, auth, tokens.access_token)).active, true)
  // The second use of the code ends what the first one gave.
  const again = oauth.processAuthorizationCodeResponse(as, shop, await exchange())
  await refused(again, 'invalid_grant')
  assert.deepEqual(await introspect(shop, auth, tokens.access_token), { active: false })
  assert.deepEqual(await introspect(shop, auth, next.refresh_token), { active: false })
}

// A public client.
const native = { client_id: open.id, token_endpoint_auth_method: 'none' }
const { tokens } = await code(native, oauth.None(), 'http://127.0.0.1:50123/callback')
const next = await refresh(native, oauth.None(), tokens.refresh_token, { scope: 'openid' })
await revoke(native, oauth.None(), next.refresh_token)
await refused(userInfo(native, next.access_token), 'invalid_token')
await refused(userInfo(native, tokens.access_token), 'invalid_token')
await refused(clientCredentials(native, oauth.None(), {}), 'unauthorized_client')

// What the authorization endpoint refuses arrives with `state` and `iss` as well.
const wrong = new URL(as.authorization_endpoint)
wrong.search = new URLSearchParams({
  client_id: open.id,
  redirect_uri: 'http://127.0.0.1:50124/callback',
  response_type: 'code',
  scope: 'no-such-scope',
  state: 'kept',
  code_challenge: await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier()),
  code_challenge_method: 'S256',
})
const refusal = await visit(wrong)
assert.throws(
  () => oauth.validateAuthResponse(as, native, refusal, 'kept'),
  (e) => e instanceof oauth.AuthorizationResponseError && e.error === 'invalid_scope',
)

// The application itself.
const basic = oauth.ClientSecretBasic(confidential.secret)
const own = await clientCredentials(shop, basic, {})
const request = new Request(settings.call, { headers: { authorization: `Bearer ${own.access_token}` } })
const access = await oauth.validateJwtAccessToken(as, request, settings.gateway, LOOPBACK)
assert.equal(access.sub, confidential.id)
assert.equal((await fetch(request)).status, 200)
await refused(clientCredentials(shop, oauth.ClientSecretBasic('wrong'), {}), 'invalid_client')

// A resource tells which server its tokens come from (RFC 9728).
const resource = new URL(settings.resource)
const described = await oauth.resourceDiscoveryRequest(resource, LOOPBACK)
const about = await oauth.processResourceDiscoveryResponse(resource, described)
assert.deepEqual(about.authorization_servers, [issuer])

// A device that asks too early is told to wait.
const auth = oauth.None()
const begun = await oauth.processDeviceAuthorizationResponse(
  as,
  native,
  await oauth.deviceAuthorizationRequest(as, native, auth, { scope: 'openid' }, LOOPBACK),
)
const poll = async () => {
  const response = await oauth.deviceCodeGrantRequest(as, native, auth, begun.device_code, LOOPBACK)
  return oauth.processDeviceCodeResponse(as, native, response)
}
await refused(poll(), 'authorization_pending')
await refused(poll(), 'slow_down')
await enter(begun.verification_uri, begun.user_code)
await new Promise((done) => setTimeout(done, (begun.interval + 5) * 1000))
assert.equal(oauth.getValidatedIdTokenClaims(await poll()).sub, user.id)

// A client that signs instead of sending a secret.
const pair = await oauth.generateKeyPair('ES256', { extractable: true })
await register(signing.id, [await publicJwk(pair, 'device-key', 'ES256')])
const signer = { client_id: signing.id }
const proof = oauth.PrivateKeyJwt({ key: pair.privateKey, kid: 'device-key' })
assert.equal((await clientCredentials(signer, proof, {})).token_type, 'bearer')
const stranger = await oauth.generateKeyPair('ES256')
await refused(clientCredentials(signer, oauth.PrivateKeyJwt(stranger.privateKey), {}), 'invalid_client')

finished()
