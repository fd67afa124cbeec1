"""What requests-oauthlib does against Portico."""

from portico import finished, refused, settings, visit  # isort: skip

import requests
from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

CONFIDENTIAL, OPEN = settings["confidential"], settings["open"]
METADATA = requests.get(f"{settings['issuer']}/.well-known/oauth-authorization-server", timeout=30).json()
TOKEN = METADATA["token_endpoint"]
SCOPE = ["openid", "email"]

# A confidential client, with its secret in a header and in the body; its own PKCE.
for how in ({"auth": HTTPBasicAuth(CONFIDENTIAL["id"], CONFIDENTIAL["secret"])}, {"client_secret": CONFIDENTIAL["secret"], "include_client_id": True}):
    shop = OAuth2Session(CONFIDENTIAL["id"], redirect_uri=settings["redirect_uri"], scope=SCOPE, pkce="S256")
    address, state = shop.authorization_url(METADATA["authorization_endpoint"])
    # Checks `state`, and warns by an exception when the granted scope is not the one asked for.
    token = shop.fetch_token(TOKEN, authorization_response=visit(address), **how)
    assert shop.get(METADATA["userinfo_endpoint"]).json()["email"] == settings["user"]["email"]
    credentials = {"auth": how["auth"]} if "auth" in how else {"client_id": CONFIDENTIAL["id"], "client_secret": CONFIDENTIAL["secret"]}
    fresh = shop.refresh_token(TOKEN, refresh_token=token["refresh_token"], **credentials)
    assert fresh["refresh_token"] != token["refresh_token"]
    assert shop.get(METADATA["userinfo_endpoint"]).status_code == 200

# A public client.
native = OAuth2Session(OPEN["id"], redirect_uri="http://127.0.0.1:52345/callback", scope=SCOPE, pkce="S256")
address, state = native.authorization_url(METADATA["authorization_endpoint"])
token = native.fetch_token(TOKEN, authorization_response=visit(address), include_client_id=True)
native.refresh_token(TOKEN, client_id=OPEN["id"])

# The application itself.
own = OAuth2Session(client=BackendApplicationClient(CONFIDENTIAL["id"]))
own.fetch_token(TOKEN, client_id=CONFIDENTIAL["id"], client_secret=CONFIDENTIAL["secret"])
assert own.get(settings["call"]).status_code == 200
refused("invalid_client", own.fetch_token, TOKEN, client_id=CONFIDENTIAL["id"], client_secret="wrong")

finished()
