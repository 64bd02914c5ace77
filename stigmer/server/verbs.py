"""The verbs and their steps, in order. One table each; the same steps serve one resource and a hundred thousand."""

from __future__ import annotations

from stigmer.server.pipeline import Pipeline, Step
from stigmer.server.steps.authorize import authorize, create_iam_policies
from stigmer.server.steps.claims import check_claims
from stigmer.server.steps.guard import check_etag, check_immutable, check_protection, skip_unchanged
from stigmer.server.steps.instances import (
    create_default_instance,
    delete_default_instance,
    update_status_with_default_instance,
)
from stigmer.server.steps.load import check_duplicate, load_base, load_resources
from stigmer.server.steps.merge import merge_base, merge_current
from stigmer.server.steps.persist import persist, set_defaults
from stigmer.server.steps.publish import publish
from stigmer.server.steps.resolve import resolve_slug
from stigmer.server.steps.respond import send_response, transform_response
from stigmer.server.steps.results import transform_results
from stigmer.server.steps.validate import validate_field_constraints

VALIDATE = Step("ValidateFieldConstraints", validate_field_constraints)
AUTHORIZE = Step("Authorize", authorize)
RESOLVE_SLUG = Step("ResolveSlug", resolve_slug)
LOAD = Step("LoadResource", load_resources)
CHECK_DUPLICATE = Step("CheckDuplicate", check_duplicate)
CHECK_ETAG = Step("CheckEtag", check_etag)
SKIP_UNCHANGED = Step("SkipUnchanged", skip_unchanged)
CHECK_IMMUTABLE = Step("CheckImmutable", check_immutable)
CHECK_PROTECTION = Step("CheckProtection", check_protection)
SET_DEFAULTS = Step("SetDefaults", set_defaults)
PERSIST = Step("Persist", persist)
CREATE_IAM_POLICIES = Step("CreateIamPolicies", create_iam_policies)
CREATE_DEFAULT_INSTANCE = Step("CreateDefaultInstance", create_default_instance)
UPDATE_STATUS = Step("UpdateStatusWithDefaultInstance", update_status_with_default_instance)
DELETE_DEFAULT_INSTANCE = Step("DeleteDefaultInstance", delete_default_instance)
PUBLISH = Step("Publish", publish)
SEND_RESPONSE = Step("SendResponse", send_response)
RESPOND = (Step("TransformResponse", transform_response), SEND_RESPONSE)

CREATE = Pipeline(
    "create",
    before=(VALIDATE, AUTHORIZE, RESOLVE_SLUG),
    inside=(
        CHECK_DUPLICATE,
        SET_DEFAULTS,
        PERSIST,
        CREATE_IAM_POLICIES,
        CREATE_DEFAULT_INSTANCE,
        UPDATE_STATUS,
        PUBLISH,
    ),
    after=RESPOND,
)

UPDATE = Pipeline(
    "update",
    before=(AUTHORIZE, Step("LoadResource", load_base), Step("MergeResource", merge_base)),
    inside=(
        LOAD,
        CHECK_ETAG,
        Step("MergeResource", merge_current),
        SKIP_UNCHANGED,
        CHECK_IMMUTABLE,
        PERSIST,
        PUBLISH,
    ),
    after=RESPOND,
)

DELETE = Pipeline(
    "delete",
    before=(AUTHORIZE, Step("LoadResource", load_base)),
    inside=(LOAD, CHECK_ETAG, CHECK_PROTECTION, PERSIST, DELETE_DEFAULT_INSTANCE, PUBLISH),
    after=RESPOND,
)

APPLY = Pipeline(
    "apply",
    before=(VALIDATE, AUTHORIZE, RESOLVE_SLUG),
    inside=(
        LOAD,
        CHECK_DUPLICATE,
        CHECK_ETAG,
        SKIP_UNCHANGED,
        CHECK_IMMUTABLE,
        CHECK_PROTECTION,
        Step("CheckClaims", check_claims),
        SET_DEFAULTS,
        PERSIST,
        CREATE_IAM_POLICIES,
        CREATE_DEFAULT_INSTANCE,
        UPDATE_STATUS,
        DELETE_DEFAULT_INSTANCE,
        PUBLISH,
    ),
    after=(Step("TransformResponse", transform_results), SEND_RESPONSE),
)
"""Changes of every kind and action at once: each step picks out those it concerns."""
