"""A stack as a step of a pipeline: its features are the predictions of its members."""

from typing import Any

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted


class MembersMixin(TransformerMixin):
    """`transform`, `fit_transform` and the names of what they return."""

    levels_: list[Any]
    table_: Any

    def transform(self, X) -> np.ndarray:
        """Return what the members predict for new rows, as features of what comes next.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_columns), or what `set_output` says
            The columns of `predict_members`, without members that never count. NaN where a member abstained.
        """
        return self.predict_members(X).block(self._kept())

    def fit_transform(self, X, y=None, **fit_params) -> np.ndarray:
        """Fit, and return the out-of-fold predictions of the same rows.

        Each row is predicted by learners that did not see it, as scikit-learn's `TargetEncoder` does it. What comes
        next would else learn from predictions that are far better than those of new rows. So this is not
        `fit(X, y).transform(X)`.

        Parameters
        ----------
        X, y, **fit_params : as in `fit`

        Returns
        -------
        ndarray of shape (n_samples, n_columns), or what `set_output` says
            NaN where a member abstained.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from sklearn.linear_model import Ridge
        >>> from sklearn.pipeline import make_pipeline
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from ensemble_mm import StackedRegressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> stack = StackedRegressor(learners=[("ridge", Ridge(0.1))], cv=3, random_state=0)
        >>> model = make_pipeline(stack, DecisionTreeRegressor(max_depth=3)).fit(X, y)
        >>> model[:-1].get_feature_names_out().tolist()
        ['y__ridge__vector']
        """
        self.fit(X, y, **fit_params)
        return self.table_.block(self._kept())

    def get_feature_names_out(self, input_features=None) -> np.ndarray:
        """Return the names of the columns of `transform`: task, learner, what it reads and the class, if it has one."""
        check_is_fitted(self, "levels_")
        named = self.table_.keep(self._kept()).columns
        return np.array(["__".join(str(word) for word in name if word != "") for name in named], dtype=object)

    def _kept(self):
        """Return the members whose learners are kept, in the order of `table_`."""
        kept = set()
        for level in self.levels_:
            for member in level.table.members():
                models = [model for model in level.models.get(member, {}).values() if model is not None]
                if models and all(model.estimator is not None for model in models):
                    kept.add(member)
        return [member for member in self.table_.members() if member in kept]
