"""Names of tasks, tags, aliases and metrics: what the user may say, and how it is spelt for MLflow."""

import urllib.parse
from collections.abc import Mapping

TAG = "ensemble_mm."  # in front of what is ours among the tags of a run


def check_name(name: str) -> str:
    """Return the name of a task, or tell what is wrong with it."""
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise ValueError(f"name={name!r} cannot name a task: use 1 to 200 printable characters.")
    return name


def check_tags(tags: Mapping) -> dict[str, str]:
    """Return the tags as text, or tell which key is none of the user's."""
    for key in tags:
        kept = isinstance(key, str) and all(c.isalnum() or c in "_-. /" for c in key) and 0 < len(key) <= 200
        if not kept or key != key.strip() or key.startswith((TAG, "mlflow.", "/", ".")) or key.endswith(("/", ".")):
            raise ValueError(
                f"{key!r} cannot name a tag: use letters, digits, _ and -, and neither {TAG} nor mlflow. in front."
            )
    return {key: str(value)[:5000] for key, value in tags.items()}


def check_alias(alias: str) -> None:
    """Tell what is wrong with an alias, if anything."""
    if not isinstance(alias, str) or not alias.replace("-", "").replace("_", "").isalnum() or not alias.isascii():
        raise ValueError(f"alias={alias!r} must be made of letters, digits, - and _.")
    if alias.isdecimal() or alias.lower() == "latest" or alias.lower().lstrip("v").isdecimal():
        raise ValueError(f"alias={alias!r} could be taken for a version: use a word such as 'production'.")


def model_name(name: str) -> str:
    """Name of a registered model: the registry takes nothing that could be a path, and its filters no quotes."""
    quoted = urllib.parse.quote(name, safe=" ").replace("%", "=")
    return "=2E" + quoted[1:] if quoted.startswith(".") else quoted


def metric_name(name: str) -> str:
    """A name that MLflow takes: letters, digits and a few signs."""
    kept = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)[:200]
    parts = [part.strip(" .") or "_" for part in kept.split("/")]
    return "/".join(parts)
