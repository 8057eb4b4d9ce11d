"""Service accounts of tests, each with a key that is thrown away with the process."""

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2 import service_account


@cache
def signing_key(email: str) -> rsa.RSAPrivateKey:
    """Return the account's key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def with_key(email: str) -> service_account.Credentials:
    """Return the account's credentials, as of a key file."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    info = {
        "client_email": email,
        "private_key": signing_key(email).private_bytes(encoding, form, serialization.NoEncryption()).decode(),
        "token_uri": "http://127.0.0.1:9/token",  # nobody is there, and nobody is asked
    }
    made = service_account.Credentials.from_service_account_info(info)  # type: ignore[no-untyped-call]
    assert isinstance(made, service_account.Credentials)
    return made
