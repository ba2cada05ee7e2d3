import inspect

import pytest

from hubbub import audio, errors
from hubbub.errors import ExitCode, HubbubError


def test_exit_codes_are_those_of_the_documentation() -> None:
    assert {code.name: int(code) for code in ExitCode} == {"DONE": 0, "FINDING": 1, "USAGE": 2, "REFUSED": 3}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.HubbubError, 1),
        (errors.UsageError, 2),
        (errors.RefusedError, 3),
        (errors.AudioError, 1),
        (errors.DataError, 1),
        (errors.ModelFileError, 3),
        (audio.MissingAudioError, 3),
        (audio.EmptyAudioError, 1),
        (audio.UnreadableAudioError, 1),
    ],
)
def test_what_each_error_ends_a_command_with(kind: type[HubbubError], code: int) -> None:
    assert kind("why").exit_code == code


@pytest.mark.parametrize("module", [errors, audio])
def test_every_error_has_the_one_root(module: object) -> None:
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) > 5 and all(issubclass(kind, HubbubError) for kind in kinds)


def test_a_missing_extra_says_what_to_install() -> None:
    error = errors.missing_extra("train", "training")
    assert isinstance(error, errors.RefusedError)
    assert str(error) == "training needs the extra 'train': in hubbub's folder, pip install \".[train]\""
