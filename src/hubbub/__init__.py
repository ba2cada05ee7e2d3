"""hubbub names everyday sounds: dog, rain, siren, glass breaking.

>>> import hubbub
>>> answer = hubbub.classify("dog.wav")  # doctest: +SKIP
>>> answer.label  # doctest: +SKIP
'dog'
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hubbub.listen.answer import Answer, Prediction
    from hubbub.listen.classifier import Classifier, classify, embed, load

_HOMES = {
    "Answer": "hubbub.listen.answer",
    "Classifier": "hubbub.listen.classifier",
    "Prediction": "hubbub.listen.answer",
    "classify": "hubbub.listen.classifier",
    "embed": "hubbub.listen.classifier",
    "load": "hubbub.listen.classifier",
}
__all__ = ["Answer", "Classifier", "Prediction", "classify", "embed", "load"]


def __getattr__(name: str) -> Any:  # so that `import hubbub` costs nothing until something is heard
    if name not in _HOMES:
        raise AttributeError(f"module 'hubbub' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
