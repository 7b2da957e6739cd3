"""What learners have in common that set the loss of the regressor that they hold."""

from typing import Any, ClassVar

from sklearn.base import MetaEstimatorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from .._checks import having
from .._metadata import asking_for


class OwnLossMixin(MetaEstimatorMixin):
    """Hold a regressor that knows some loss.

    Attributes
    ----------
    losses : dict
        What to set, by the name of the class, as boosting is imported only where it is used.
    loss_name : str
    """

    losses: ClassVar[dict[str, Any]]
    loss_name: ClassVar[str]
    fits_whole_groups = "estimator"
    _parameter_constraints = {"estimator": [having("fit", "predict")]}

    def __init__(self, estimator):
        self.estimator = estimator

    @classmethod
    def around(cls, estimator):
        """Return an estimator with this loss, or the estimator as it is where it, or its last step, knows none."""
        if isinstance(estimator, Pipeline):
            return Pipeline([*estimator.steps[:-1], (estimator.steps[-1][0], cls.around(estimator.steps[-1][1]))])
        return estimator if cls._loss_of(estimator) is None else cls(estimator)

    @classmethod
    def _loss_of(cls, estimator):
        return next(
            (cls.losses[base.__name__] for base in type(estimator).__mro__ if base.__name__ in cls.losses), None
        )

    def _known_loss(self):
        """Return what to set; raise a ValueError where the regressor knows no such loss."""
        loss = self._loss_of(self.estimator)
        if loss is None:
            raise ValueError(f"{self.estimator!r} knows no {self.loss_name} loss: use one of {', '.join(self.losses)}.")
        return loss

    def get_metadata_routing(self):
        """Return what `fit` takes beside X and y: weights, groups, and what the regressor asks for."""
        return asking_for(super().get_metadata_routing(), [self.estimator])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self.estimator).input_tags
        return tags
