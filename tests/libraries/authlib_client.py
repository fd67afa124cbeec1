"""What Authlib does against Portico: as the framework integrations use it for users, and with its session for the rest."""

from portico import enter, finished, refused, register, settings, visit  # isort: skip

import time
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import FrameworkIntegration
from authlib.integrations.base_client.sync_app import BaseApp, OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, RSAKey

ISSUER = settings["issuer"]
SCOPE = "openid profile email"
CONFIDENTIAL, OPEN, SIGNING, USER = (settings[name] for name in ("confidential", "open", "signing", "user"))


class Application(OAuth2Mixin, OpenIDMixin, BaseApp):
    """What the integrations for Flask, Django and Starlette are made of, without the framework."""

    client_cls = OAuth2Session


class Nowhere(FrameworkIntegration):
    def update_token(self, token, refresh_token=None, access_token=None):
        pass


def application(client, **more):
    return Application(
        Nowhere("portico"),
        "portico",
        client_id=client["id"],
        client_secret=client.get("secret"),
        server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256", **more},
    )


def code(app, redirect_uri):
    """A code for the user, and the tokens that it is good for."""
    begun = app.create_authorization_url(redirect_uri)
    response = visit(begun["url"])
    query = parse_qs(urlsplit(response).query)
    assert query["iss"] == [ISSUER], response
    token = app.fetch_access_token(
        redirect_uri, authorization_response=response, state=begun["state"], code_verifier=begun["code_verifier"]
    )
    # Checks the signature, `iss`, `aud`, `exp`, `nonce` and `at_hash`; no clock may be wrong here.
    claims = app.parse_id_token(token, nonce=begun["nonce"], leeway=0)
    assert claims["sub"] == USER["id"]
    assert "at_hash" in claims
    assert token["scope"] == SCOPE
    assert token["expires_in"] == 900
    assert app.userinfo(token=token)["email"] == USER["email"]
    return token


def session(app):
    """A session with the endpoints that were discovered."""
    return app._get_oauth_client(**app.load_server_metadata())


def introspect(client, metadata, token):
    return client.introspect_token(metadata["introspection_endpoint"], token=token).json()


# A confidential client: Basic by default, and with the secret in the body.
for method in ("client_secret_basic", "client_secret_post"):
    app = application(CONFIDENTIAL, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method)
    metadata = app.load_server_metadata()
    assert metadata["issuer"] == ISSUER
    token = code(app, settings["redirect_uri"])
    client = session(app)
    first = dict(token)
    second = dict(client.refresh_token(refresh_token=first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert introspect(client, metadata, second["access_token"])["active"] is True
    assert introspect(client, metadata, second["refresh_token"])["active"] is True
    third = dict(client.refresh_token(refresh_token=second["refresh_token"], scope="openid"))
    assert third["scope"] == "openid"
    logout = app.create_logout_url(settings["post_logout_redirect_uri"], third["id_token"])
    assert visit(logout["url"]) == f"{settings['post_logout_redirect_uri']}?state={logout['state']}"
    revoked = client.revoke_token(metadata["revocation_endpoint"], third["refresh_token"], "refresh_token")
    assert (revoked.status_code, revoked.text) == (200, "")
    assert introspect(client, metadata, third["access_token"]) == {"active": False}
    refused("invalid_grant", client.refresh_token, refresh_token=third["refresh_token"])

    own = dict(client.fetch_token(grant_type="client_credentials", scope=""))
    assert "refresh_token" not in own
    assert introspect(client, metadata, own["access_token"])["sub"] == CONFIDENTIAL["id"]
    assert client.get(settings["call"]).status_code == 200
    refused("invalid_scope", client.fetch_token, grant_type="client_credentials", scope="no-such-scope")

# A public client.
app = application(OPEN)
token = code(app, "http://127.0.0.1:51234/callback")
client = session(app)
again = client.refresh_token(refresh_token=token["refresh_token"])
assert again["refresh_token"] != token["refresh_token"]
client.revoke_token(app.load_server_metadata()["revocation_endpoint"], again["refresh_token"])
refused("invalid_grant", client.refresh_token, refresh_token=again["refresh_token"])

# A device: the session sends both requests; Authlib has no loop of its own for the wait.
metadata = app.load_server_metadata()
begun = client.post(
    metadata["device_authorization_endpoint"],
    data={"client_id": OPEN["id"], "scope": "openid"},
    withhold_token=True,
).json()
wanted = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": begun["device_code"], "scope": None}
refused("authorization_pending", client.fetch_token, **wanted)
enter(begun["verification_uri"], begun["user_code"])
time.sleep(begun["interval"])
assert client.fetch_token(**wanted)["id_token"]

# A client that signs instead of sending a secret.
for alg, key in (("RS256", RSAKey.generate_key(2048)), ("ES256", ECKey.generate_key("P-256"))):
    register(SIGNING["id"], {**key.as_dict(private=False), "kid": alg, "alg": alg, "use": "sig"})
    client = OAuth2Session(SIGNING["id"], key, token_endpoint_auth_method="private_key_jwt")
    client.register_client_auth_method(PrivateKeyJWT(metadata["token_endpoint"], headers={"kid": alg}, alg=alg))
    assert client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")["access_token"]

finished()
