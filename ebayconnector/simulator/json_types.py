"""Types of JSON values, and the merge that overrides use."""

from typing import Any

JsonObject = dict[str, Any]


def apply_patch(target: JsonObject, patch: JsonObject) -> JsonObject:
    """Merge `patch` into a copy of `target`: objects merge, other values replace, null deletes the key."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = apply_patch(below if isinstance(below, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def join_patches(first: JsonObject, second: JsonObject) -> JsonObject:
    """One patch that does what `first` and then `second` would do; deletions (null) are kept."""
    joined = dict(first)
    for key, value in second.items():
        below = joined.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            joined[key] = join_patches(below, value)
        else:
            joined[key] = value
    return joined
