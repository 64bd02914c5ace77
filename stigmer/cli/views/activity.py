"""What the library is doing, in a few words for the progress line."""

from __future__ import annotations

from reconciler import Applying, PlanReady, Replanned, Retrying
from stigmer.sync import Loading, Observing


def activity_of(event: object) -> str:
    """The words for an event, or nothing for one that does not start an activity."""
    match event:
        case Loading(done=done, total=total):
            return f"reading manifests {done:,}/{total:,}"
        case Observing(resources=resources):
            return f"comparing {resources:,} resources with the backend"
        case PlanReady() | Replanned():
            return "planning"
        case Applying(changes=changes):
            return f"writing {changes:,} changes"
        case Retrying(attempt=attempt, tries=tries):
            return f"no answer from the backend: try {attempt + 1} of {tries}"
        case _:
            return ""
