"""How a build may be named, the same on the command line and in a request."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from harness.gate_server.asked import Build
from harness.run.catalogue import BUILD

NAMES = ["5d9c7f", "sha256:ab12", "registry.example:5000/team/shop@sha256:ab", "v1.2.3-rc.1+4", "A" * 200]
NONE = ["", "-x", "--results=x", "a b", "a\n", "\na", "a\0", "é", "../x", "/x", "a;b", "$(a)", "A" * 201]


@pytest.mark.parametrize("name", NAMES)
def test_digests_tags_and_images_name_a_build(name: str) -> None:
    """As registries and CI write them."""
    assert BUILD.fullmatch(name)
    assert TypeAdapter(Build).validate_python(name) == name


@pytest.mark.parametrize("name", NONE)
def test_what_could_be_an_option_a_path_or_a_command_names_none(name: str) -> None:
    """Refused by both."""
    assert not BUILD.fullmatch(name)
    with pytest.raises(ValidationError):
        TypeAdapter(Build).validate_python(name)
