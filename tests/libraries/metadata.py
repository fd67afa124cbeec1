"""Whether the metadata is what Authlib wants it to be: of an instance with a public URL, judged by all of its rules."""

from portico import finished, settings  # isort: skip

import os

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from authlib.oidc.rpinitiated import OpenIDProviderMetadata as LogoutMetadata

# These documents name https alone, so nothing is relaxed here.
del os.environ["AUTHLIB_INSECURE_TRANSPORT"]

AuthorizationServerMetadata(settings["oauth"]).validate()
OpenIDProviderMetadata(settings["openid"]).validate(metadata_classes=[LogoutMetadata])

finished()
