"""hubbub names everyday sounds: dog, rain, siren, glass breaking.

>>> import hubbub
>>> answer = hubbub.classify("dog.wav")  # doctest: +SKIP
>>> answer.label  # doctest: +SKIP
'dog'
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hubbub.errors import HubbubError
    from hubbub.listen.answer import Answer, Prediction
    from hubbub.listen.classifier import Classifier, classify, embed, load

_MODULES = {
    "Answer": "hubbub.listen.answer",
    "Classifier": "hubbub.listen.classifier",
    "HubbubError": "hubbub.errors",
    "Prediction": "hubbub.listen.answer",
    "classify": "hubbub.listen.classifier",
    "embed": "hubbub.listen.classifier",
    "load": "hubbub.listen.classifier",
}
__all__ = ["Answer", "Classifier", "HubbubError", "Prediction", "classify", "embed", "load"]


def __getattr__(name: str) -> Any:  # PEP 562: `import hubbub` costs nothing until a name is used
    if name not in _MODULES:
        raise AttributeError(f"module 'hubbub' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
