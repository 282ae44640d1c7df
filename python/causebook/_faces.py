"""Faces of a book that stand in modules of their own: reading, and watching a model. Loaded when they are used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from causebook._seam import Seam
from causebook._settings import Settings

if TYPE_CHECKING:
    from causebook._answers import Decide, Score
    from causebook._models import Artefact
    from causebook._read import Listing, Reading
    from causebook._records import Decision, Evidence, History, Table, Verification, Why
    from causebook._watch import Batch

Model = TypeVar("Model")


class ReadFace(Seam):
    """What can be asked of the ledger that a book records to."""

    _settings: Settings
    _reading: Reading | None = None

    def get(self, id: str) -> Decision:
        """The record with this id; `NotFoundError` if there is none.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve", score=0.25, id="D-1")
        >>> book.get("D-1")
        <Decision D-1: approve, by credit v1.2, score 0.25, index 0>
        """
        return self._read().get(id)

    def history(self, id: str) -> History:
        """The record and all that refers to it, in the order in which they were recorded.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
        >>> outcome = book.outcome(id, "repaid")
        >>> book.flush().delivered
        2
        >>> [record.kind for record in book.history(outcome)]
        ['decision', 'outcome']
        """
        return self._read().history(id)

    def list(self, q: str = "", *, limit: int | None = None, oldest: bool = False) -> Listing:
        """Records that match a filter such as `decision:deny model:credit@3.*`, newest first.

        >>> ids = book.log_batch({"age": [30, 41]}, model="credit@v1.2", decision=["deny", "approve"])
        >>> book.flush().pending
        0
        >>> [record.input for record in book.list("decision:deny")]
        [{'age': 30}]
        """
        return self._read().list(q, limit=limit, oldest=oldest)

    def why(self, id: str, *, all_versions: bool = False) -> Why:
        """What is known of why this decision came out as it did, part by part, each with how it is known.

        With `all_versions` it is compared with the decisions of all versions of its model.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, score=0.25, parameters={"threshold": 0.3})
        >>> book.why(id).margin.value
        {'score': 0.25, 'threshold': 0.3, 'margin': -0.05}
        >>> book.why(id).reasons.known
        'not recorded'
        """
        return self._read().why(id, all_versions=all_versions)

    def sql(self, query: str, *, rows_max: int | None = None) -> Table:
        """Asks the server in SQL; a table that pandas, Polars and pyarrow take as it is.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
        >>> book.flush().pending
        0
        >>> list(book.sql("select decision, count(*) as n from decisions group by 1"))
        [{'decision': 'approve', 'n': 1}]
        """
        return self._read().sql(query, rows_max=rows_max)

    def verify(
        self,
        *,
        id: str | None = None,
        quick: bool = False,
        sample: int | None = None,
        keys: str | Sequence[str] = (),
        remember: bool = True,
    ) -> Verification:
        """Whether everything is as it was signed; see `docs/python/reading.md` for what is checked where.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
        >>> book.flush().pending
        0
        >>> bool(book.verify(remember=False))
        True
        """
        return self._read().verify(id=id, quick=quick, sample=sample, keys=keys, remember=remember)

    def prove(self, id: str, *, show: str | Sequence[str] = (), linked: bool = False) -> Evidence:
        """Evidence of a record, for whoever shall check it without the ledger.

        >>> id = book.record(model="credit@v1.2", input={"age": 30}, decision="approve")
        >>> evidence = book.prove(id, show="/decision")
        >>> causebook.check(evidence, keys=evidence.keys).records[0].record["decision"]
        'approve'
        """
        return self._read().prove(id, show=show, linked=linked)

    def _read(self) -> Reading:
        from causebook._read import Reading

        if self._reading is None:
            settings = self._settings
            self._reading = Reading(
                settings.url or str(settings.home),
                ledger=settings.ledger,
                token=settings.token,
                allow_plain_http=settings.allow_plain_http,
                flush=self._flush,
            )
        return self._reading

    def _flush(self) -> object:
        """Called before a record is said not to be there: it may still be on its way."""
        raise NotImplementedError


class WatchFace(Seam):
    """Models whose predictions record themselves."""

    def watch(
        self,
        model: Model,
        name: str | None = None,
        version: str | None = None,
        *,
        decision: Decide = None,
        score: Score = None,
        features: Sequence[str] | None = None,
        exclude: Collection[str] = (),
        proba_threshold: float | None = None,
        batch: Batch = "rows",
        sample: float | None = None,
        artefact: Artefact | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Model:
        """A stand-in for a model of scikit-learn, XGBoost, LightGBM or their like, whose predictions record themselves.

            model = book.watch(model, "credit", "v1.2", decision={0: "deny", 1: "approve"})
            model.predict(frame)

        The settings are those of `causebook._watch.watch`.
        """
        from causebook._watch import watch

        made: Callable[..., Model] = watch
        return made(
            self,
            model,
            name,
            version,
            decision=decision,
            score=score,
            features=features,
            exclude=exclude,
            proba_threshold=proba_threshold,
            batch=batch,
            sample=sample,
            artefact=artefact,
            parameters=parameters,
        )
