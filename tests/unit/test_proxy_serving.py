"""Where the proxy may listen and send to, and what it says."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from harness.capture.live import Record
from harness.errors import ScenarioError, UsageError
from harness.proxy import serving
from harness.proxy.serving import Settings

TO = "http://127.0.0.1:8000"


def settings(**given: object) -> Settings:
    """Settings with these instead of the usual."""
    usual: dict[str, object] = {"listen": "127.0.0.1:0", "to": TO, "into": Path("c")}
    return Settings(**(usual | given))  # type: ignore[arg-type]  # as the table says


@pytest.mark.parametrize(
    ("listen", "at"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:80", ("localhost", 80)),
    ],
)
def test_it_listens_on_this_machine(listen: str, at: tuple[str, int]) -> None:
    """Loopback needs no consent."""
    assert serving.listening_at(settings(listen=listen)) == at


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "my.host:80"])
def test_others_reach_it_only_where_that_is_said(listen: str) -> None:
    """It records what they send, after all."""
    with pytest.raises(UsageError, match="--allow-remote"):
        serving.listening_at(settings(listen=listen))
    assert serving.listening_at(settings(listen=listen, allow_remote=True))[1] == 80


@pytest.mark.parametrize("listen", ["8080", ":8080", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    """Before anything starts."""
    with pytest.raises(UsageError, match="cannot be read"):
        serving.listening_at(settings(listen=listen))


def test_a_shadow_elsewhere_is_named_twice() -> None:
    """Loopback is free; anywhere else is sent what users wrote, so it is allowed by name."""
    here = serving.shadow_of(settings(mirror="http://127.0.0.1:9"))
    assert here is not None
    assert here.port == 9
    assert serving.shadow_of(settings()) is None
    with pytest.raises(UsageError, match=r"--allow-host 10\.0\.0\.9"):
        serving.shadow_of(settings(mirror="http://10.0.0.9:9"))
    there = serving.shadow_of(settings(mirror="http://10.0.0.9:9", allow_hosts=("10.0.0.9",)))
    assert there is not None
    assert there.host == "10.0.0.9"


@pytest.mark.parametrize(
    ("mirror", "why"),
    [
        ("http://127.0.0.1:9/path", "path"),
        ("http://u:p@127.0.0.1:9", "credentials"),
        ("ftp://127.0.0.1", "http or https"),
        ("http://127.0.0.1:x", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("127.0.0.1:9", "--to is no URL|--mirror is no URL"),
    ],
)
def test_what_is_no_place_to_send_to_is_refused(mirror: str, why: str) -> None:
    """By the guard that replays have, too."""
    with pytest.raises(UsageError, match=why):
        serving.shadow_of(settings(mirror=mirror))


def test_a_method_that_is_none_is_refused() -> None:
    """It would end the head of a copy early."""
    with pytest.raises(ScenarioError, match="method"):
        serving.shadow_of(settings(mirror=TO, mirror_methods=("POST", "A B")))


def test_the_service_itself_may_be_anywhere() -> None:
    """Its own users send it their requests already."""
    assert serving.endpoint("http://192.0.2.1:80", option="--to", allowed=None).host == "192.0.2.1"


def test_what_is_mirrored_is_as_said() -> None:
    """Share, methods, credentials and time."""
    found = serving.terms(settings(mirror_share=0.5, mirror_methods=("PUT",), mirror_timeout_s=0.5))
    assert (found.share, found.methods, found.credentials) == (0.5, frozenset({b"PUT"}), False)
    assert found.timeout_ns == 500_000_000


def test_rules_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """A missing file, a wrong word, a key that is nowhere, a place that is none."""
    rules = tmp_path / "rules.toml"
    for text in (None, "[redact]\nnonsense = 1", '[redact]\nkey = "env:NO"\nheaders = { a = "hash" }'):
        if text is not None:
            rules.write_text(text)
        with pytest.raises(UsageError, match=r"rules\.toml"):
            serving.recorder_of(settings(redact=rules), tmp_path, environ={})
    with pytest.raises(UsageError, match="--sample-by"):
        serving.recorder_of(settings(sample_by="nowhere:x"), tmp_path, environ={})


def test_the_shadow_s_capture_is_beside_the_service_s() -> None:
    """Not in it: a folder is read whole."""
    assert serving.mirror_folder(Path("a/captures")) == Path("a/captures-mirror")
    here = Path.cwd()
    assert serving.mirror_folder(Path()) == here.with_name(f"{here.name}-mirror")
    assert serving.mirror_folder(Path("a/..")) == here.with_name(f"{here.name}-mirror")
    with pytest.raises(UsageError, match="--into"):
        serving.mirror_folder(Path("/"))


def test_the_sample_of_the_rules_is_drawn(tmp_path: Path) -> None:
    """What `[sample]` of the same file says; two samples are one too many."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[redact]\n[sample]\nshare = 0.5\n")
    recorder = serving.recorder_of(settings(redact=rules), tmp_path / "c", environ={})
    for n in range(40):
        recorder.offer(Record(request_id=f"r{n}", ts_ns=n))
    assert recorder.close()
    assert 0 < recorder.counts.not_sampled < 40
    with pytest.raises(UsageError, match="two samples"):
        serving.recorder_of(settings(redact=rules, sample=0.1), tmp_path, environ={})


def test_there_are_as_many_users_as_descriptors() -> None:
    """Three each, and some for the rest."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 1 <= serving.most_users() <= serving.MOST_USERS
    after, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert after == resource.RLIM_INFINITY or after >= soft
