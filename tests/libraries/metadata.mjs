// Whether the metadata is what oauth4webapi and openid-client want it to be: of an instance with a public URL, so that
// nothing is relaxed. What they would fetch is handed to them.

import { finished, settings } from './portico.mjs'
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'

const { issuer } = settings
const documents = {
  [`${issuer}/.well-known/openid-configuration`]: settings.openid,
  [`${issuer}/.well-known/oauth-authorization-server`]: settings.oauth,
}
const fetched = async (url) => {
  assert.ok(url in documents, `asked for ${url}`)
  return Response.json(documents[url])
}

for (const algorithm of ['oidc', 'oauth2']) {
  const response = await oauth.discoveryRequest(new URL(issuer), { algorithm, [oauth.customFetch]: fetched })
  const as = await oauth.processDiscoveryResponse(new URL(issuer), response)
  assert.equal(as.issuer, issuer)

  const config = await client.discovery(new URL(issuer), 'any', undefined, client.None(), {
    algorithm,
    [client.customFetch]: fetched,
  })
  assert.ok(config.serverMetadata().supportsPKCE())
}

finished()
