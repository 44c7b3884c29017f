"""Which parts of a target are credentials, and that the rest is sent as it came."""

from __future__ import annotations

import pytest

from harness.proxy.masking import masked

#: of no service: its letters are the first ones
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.abc"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "sig",
            "signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "X-Goog-Signature",
        ),
        *("key", "api_key", "apikey", "apiKey", "code", "pwd", "pass", "password", "user_password", "jwt"),
        *("token", "access_token", "accessToken", "Access%5FToken", "id_token", "client_secret", "otp"),
        *("session", "sessionid", "sessionId", "jsessionid", "JSESSIONID", "PHPSESSID", "sid"),
        *("auth%5Btoken%5D", "token[]", "user.password", "AWSAccessKeyId", "GoogleAccessId"),
    ],
)
def test_what_has_the_name_of_a_credential_is_masked(name: str) -> None:
    """In the query, behind `&` and `;`, and among the parameters of a path."""
    pair, sent = f"{name}=x%20y".encode(), f"{name}=masked".encode()
    assert masked(b"/p?a=1&%b&b=2" % pair) == b"/p?a=1&%b&b=2" % sent
    assert masked(b"/p?a=1;%b;b=2" % pair) == b"/p?a=1;%b;b=2" % sent
    assert masked(b"/p;%b/q;c=3?d" % pair) == b"/p;%b/q;c=3?d" % sent


@pytest.mark.parametrize(
    "value",
    [
        JWT,
        f"Bearer+{JWT}",
        "AKIA" + "ABCDEFGH" * 2,
        "AIza" + "x" * 35,
        "ghp%5F" + "a1" * 18,
        "https%3A%2F%2Fuser%3Apass%40host%2F",
    ],
)
def test_what_looks_like_a_credential_is_masked(value: str) -> None:
    """Under any name."""
    assert masked(f"/p?q={value}&a=1".encode()) == b"/p?q=masked&a=1"


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        (b"/p?token=abc;def&a=1", b"/p?token=masked&a=1"),
        (b"/p?token=abc;def;ghi;a=1;x", b"/p?token=masked;a=1;x"),
        (b"/p?token=abc&def;ghi", b"/p?token=masked&def;ghi"),
        (b"/p;jsessionid=a;b/q", b"/p;jsessionid=masked/q"),
        (b"/p?token=a=b&token=", b"/p?token=masked&token=masked"),
    ],
)
def test_a_part_without_a_name_is_of_the_value_before_it(target: bytes, sent: bytes) -> None:
    """A server that does not split at `;` takes all of it for the token."""
    assert masked(target) == sent


@pytest.mark.parametrize(
    "target",
    [
        b"/p",
        b"/p?",
        b"/p?token&b=&;x",
        b"/token=1/p;v=1;w?a=1;b;c=2",
        b"/p?zip_code=123&sort_key=a&max_tokens=3&state=CA&signal=1&keys=2&country=DE",
        b"/p?mail=alice%40example.org&n=1%202&c=%ff&q=basic+income",
    ],
)
def test_everything_else_goes_as_it_came(target: bytes) -> None:
    """Byte for byte: what feeds the model feeds that of the shadow."""
    assert masked(target) == target
