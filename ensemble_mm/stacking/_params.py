"""Parameters of named parts: `review__ngram_range`, `gbm__num_leaves`, as scikit-learn's composites have them."""


class NamedParamsMixin:
    """get_params and set_params reach the learners and extractors of the lists `learners` and `views`.

    A part may have the name of a parameter of the stack, such as "cv": `cv` stays the parameter, and `cv__counts` is
    a parameter of the part.
    """

    _named_lists = ("learners", "views")

    def get_params(self, deep=True):
        """Return the parameters; with `deep` those of the named learners and extractors too."""
        params = super().get_params(deep=deep)
        if not deep:
            return params
        for attribute in self._named_lists:
            for name, part in self._named_parts(attribute):
                params.setdefault(name, part)
                if hasattr(part, "get_params") and not isinstance(part, type):
                    params |= {f"{name}__{key}": value for key, value in part.get_params(deep=True).items()}
        return params

    def set_params(self, **params):
        """Set parameters, `name` replaces a learner or an extractor, `name__parameter` sets one of its own."""
        for attribute in self._named_lists:  # the lists first: names refer to the new ones
            if attribute in params:
                setattr(self, attribute, params.pop(attribute))
        for attribute in self._named_lists:
            for name, part in self._named_parts(attribute):
                self._set_part(attribute, name, part, params)
        for name in sorted({key.partition("__")[0] for key in params if "__" in key}):
            if self._is_made_in_fit(name):
                raise ValueError(
                    f"Invalid parameter {name!r}: learners={self.learners!r} are made in the fit, so there is nothing "
                    f"to set yet. Give the learner itself, as in learners=[({name!r}, Ridge(alpha=3.0))]."
                )
        return super().set_params(**params) if params else self

    def _set_part(self, attribute, name, part, params):
        """Replace or set a named part; what is done is taken out of the parameters."""
        if name not in self._get_param_names():
            if name in params:
                self._replace(attribute, name, params.pop(name))
        elif hasattr(part, "set_params"):  # its settings would be looked for in the parameter of its name
            own = [key for key in params if key.startswith(f"{name}__")]
            part.set_params(**{key.removeprefix(f"{name}__"): params.pop(key) for key in own})

    def _is_made_in_fit(self, name):
        """Tell whether a name may be that of a learner which is given by a name, or by that of a portfolio."""
        known = {
            *super().get_params(deep=False),
            *(part for each in self._named_lists for part, _ in self._named_parts(each)),
        }
        by_name = isinstance(self.learners, str) or name in (self.learners if isinstance(self.learners, list) else ())
        return by_name and name not in known

    def _named_parts(self, attribute):
        return [(entry[0], entry[1]) for entry in self._listed(attribute)]

    def _listed(self, attribute):
        """Return the entries of a list, or of those of a dict, that hold a name and a part."""
        parts = getattr(self, attribute)
        lists = parts.values() if isinstance(parts, dict) else [parts]
        entries = [entry for own in lists if isinstance(own, (list, tuple)) for entry in own]
        return [entry for entry in entries if isinstance(entry, (list, tuple)) and len(entry) >= 2]

    def _replace(self, attribute, name, part):
        """Put a new list in place: the user's own list is never changed."""

        def renewed(entries):
            if not isinstance(entries, (list, tuple)):
                return entries
            return [(e[0], part, *e[2:]) if e[0] == name else e for e in entries]

        parts = getattr(self, attribute)
        if isinstance(parts, dict):
            setattr(self, attribute, {key: renewed(entries) for key, entries in parts.items()})
        else:
            setattr(self, attribute, renewed(parts))
