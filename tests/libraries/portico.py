"""What the scripts share: the conversation with the test that started them, one JSON text a line.

The first line in is the configuration. From then on the script asks and the test answers: `visit` is a user at a
browser who opens an address, signs in, agrees, and says where the browser was sent in the end.
"""

import json
import os
import sys

# Plain HTTP is allowed on loopback only, and that is where the tests are. The libraries want to be told.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


def answer():
    line = sys.stdin.readline()
    if not line:
        raise EOFError("the test has gone")
    return json.loads(line)


def ask(**question):
    print(json.dumps(question), flush=True)
    return answer()


settings = answer()


def visit(url):
    """Where the user's browser is sent after it has opened this address."""
    return ask(visit=url)["arrived"]


def enter(verification_uri, user_code):
    """Lets the user enter the code that a device shows."""
    ask(enter=verification_uri, code=user_code)


def register(client_id, *keys):
    """Stores public keys as the client's own, as its owner would."""
    ask(register=client_id, jwks={"keys": list(keys)})


def finished():
    """The last word."""
    print(json.dumps({"finished": True}), flush=True)


def refused(error, call, *arguments, **named):
    """Asserts that the call is refused with this code."""
    try:
        call(*arguments, **named)
    except Exception as refusal:
        assert getattr(refusal, "error", None) == error, repr(refusal)
    else:
        raise AssertionError(f"{error} was expected")
