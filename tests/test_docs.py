"""What the documentation promises of the outside: variables, and the JSON of an answer."""

import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

import hubbub
from hubbub import audio
from hubbub.cli.main import app
from hubbub.data.synth import synthetic

ROOT = Path(__file__).parents[1]


def test_every_environment_variable_is_documented() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    page = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    assert set(re.findall(r"HUBBUB_[A-Z0-9_]+", sources)) <= set(re.findall(r"HUBBUB_[A-Z0-9_]+", page))


def test_every_line_of_json_is_as_the_schema_says(tmp_path: Path) -> None:
    schema = json.loads((ROOT / "docs" / "answer.schema.json").read_text(encoding="utf-8"))
    audio.write_wav(tmp_path / "siren.wav", synthetic.make("siren", 0, 16_000), 16_000)
    audio.write_wav(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    (tmp_path / "letter.wav").write_text("no sound")
    lines = CliRunner().invoke(app, ["classify", "--json", str(tmp_path)]).stdout.splitlines()
    answers = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(answers) == 3
    for answer in [*answers, hubbub.classify(np.ones(800), rate=8_000).to_dict()]:
        jsonschema.validate(answer, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"path": "a.wav"}, schema)
