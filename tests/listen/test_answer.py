import json
from pathlib import Path

import pytest

from hubbub.listen.answer import Answer, Prediction

DOG = Answer(5.0004, (Prediction("dog", 0.75), Prediction("cat", 0.12345678)), False, 0.75, "a/b.wav")


def test_an_answer_as_plain_values() -> None:
    assert json.loads(json.dumps(DOG.to_dict())) == {
        "path": "a/b.wav",
        "duration": 5.0,
        "label": "dog",
        "predictions": [{"label": "dog", "score": 0.75}, {"label": "cat", "score": 0.123457}],
        "unknown": False,
        "known_score": 0.75,
        "warnings": [],
    }
    assert next(iter(DOG.to_dict())) == "path"  # which a reader of JSON lines looks for first


def test_answers_are_as_the_published_schema_says() -> None:
    """By hand, since no validator is among our libraries: names, which of them must be there, and types."""
    schema = json.loads((Path(__file__).parents[2] / "docs" / "answer.schema.json").read_text())["$defs"]["answer"]
    types = {"string": str, "number": (int, float), "array": list, "boolean": bool, "null": type(None)}
    for answer in (DOG, Answer(1.0, DOG.predictions, True, 0.0)):
        values = answer.to_dict()
        assert set(schema["required"]) <= set(values) <= set(schema["properties"])
        for name, value in values.items():
            kinds = schema["properties"][name]["type"]
            assert isinstance(value, tuple(types[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))), (
                name
            )


def test_samples_have_no_path() -> None:
    assert "path" not in Answer(1.0, DOG.predictions, True, 0.1234567).to_dict()


def test_an_unknown_sound_has_no_label_and_yet_its_nearest_names() -> None:
    answer = Answer(1.0, DOG.predictions, True, 0.0, warnings=("it is cut off",))
    assert (DOG.label, answer.label, answer.predictions) == ("dog", None, DOG.predictions)
    values = answer.to_dict()
    assert values["label"] is None and values["unknown"] and values["warnings"] == ["it is cut off"]
    assert values["predictions"][0]["label"] == "dog"
    assert repr(answer) == "<Answer label=None: unknown (nearest: dog 75%, cat 12%); it is cut off>"


def test_in_words() -> None:
    assert str(DOG) == "dog 75%, cat 12%"
    assert str(Answer(1.0, DOG.predictions, True, 0.0)) == "unknown (nearest: dog 75%, cat 12%)"


def test_answers_are_frozen() -> None:
    with pytest.raises(AttributeError, match="unknown"):
        DOG.unknown = True  # type: ignore[misc]


def test_html_is_escaped_and_says_what_was_heard() -> None:
    answer = Answer(1.26, (Prediction("<b>", 0.5), Prediction("&", 0.25)), False, 0.5, "<script>.wav")
    page = answer._repr_html_()
    assert "&lt;b&gt;" in page and "&amp;" in page and "&lt;script&gt;.wav (1.3 s): <b>&lt;b&gt;</b>" in page
    assert "opacity" not in page and "<script>" not in page and "50.0%" in page and "width:25.0%" in page


def test_html_of_an_unknown_sound() -> None:
    page = Answer(1.0, DOG.predictions, True, 0.0)._repr_html_()
    assert "sound (1.0 s): <b>unknown</b>; the nearest names" in page and page.count("opacity") == 2
