"""A stack as scikit-learn draws its own estimators: views, learners and meta-learners, one row under the other."""

from .._checks import VisualBlock
from .._modalities import MODALITIES


def diagram(model):
    """Return the block that notebooks draw; a fitted stack shows views, learners and one meta-learner per task."""
    rows = (_views(model), _fitted_learners(model) or _learners(model.learners), _metas(model))
    blocks = [VisualBlock("parallel", list(row.values()), names=list(row), dash_wrapped=False) for row in rows]
    return VisualBlock("serial", blocks, dash_wrapped=False)


def _views(model):
    if not isinstance(model.views, str):
        return {entry[0]: entry[1] for entry in model.views}
    if not hasattr(model, "views_"):
        return {"views": model.views}
    return {name: MODALITIES[modality].extractor() for name, modality in model.views_.items()}


def _fitted_learners(model):
    """Return what a portfolio came to: each learner with what it reads; nothing for other lists, or before the fit."""
    if not isinstance(model.learners, str) or not hasattr(model, "table_"):
        return {}
    reads: dict = {}
    for member in model.table_.members():
        reads.setdefault(member.learner, {})[member.reads] = None
    return {f"{name} (reads {'; '.join(read)})": f"{model.learners}: {name}" for name, read in reads.items()}


def _learners(learners, of=""):
    if isinstance(learners, dict):
        return {key: value for name, part in learners.items() for key, value in _learners(part, f"{name}: ").items()}
    if isinstance(learners, str):
        return {f"{of}learners": learners}
    return dict(_learner(entry, of) for entry in learners)


def _learner(entry, of):
    if isinstance(entry, str):  # one that is called by its name
        return f"{of}{entry}", entry
    return f"{of}{entry[0]} (reads {_reads(*entry[2:3])})", entry[1]


def _reads(reads="each"):
    return reads if isinstance(reads, str) else ", ".join(reads)


def _metas(model):
    if hasattr(model, "meta_learners_"):
        return {f"{task}: meta_learner": meta for task, meta in model.meta_learners_.items()}
    return {"meta_learner": model.meta_learner if hasattr(model.meta_learner, "fit") else str(model.meta_learner)}
