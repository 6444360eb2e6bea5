"""What was answered before: the scores of the texts that were asked for last."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from models.labels import ScoreKey


class Memory:
    """Least recently used goes first. Keeps hashes of the texts, not the texts. For any thread."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: OrderedDict[bytes, Mapping[ScoreKey, float]] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str, context: str | None) -> Mapping[ScoreKey, float] | None:
        key = _key(text, context)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def put(self, text: str, context: str | None, scores: Mapping[ScoreKey, float]) -> None:
        key = _key(text, context)
        with self._lock:
            self._known[key] = scores
            self._known.move_to_end(key)
            if len(self._known) > self._size:
                self._known.popitem(last=False)


def _key(text: str, context: str | None) -> bytes:
    said = text if context is None else f"{text}\0{context}"  # cleaned text holds no \0
    return hashlib.blake2b(said.encode(errors="surrogatepass"), digest_size=16).digest()
