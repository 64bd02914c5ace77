import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from stigmer.backend.v1 import metadata_pb2 as _metadata_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChangeAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANGE_ACTION_UNSPECIFIED: _ClassVar[ChangeAction]
    CHANGE_ACTION_CREATE: _ClassVar[ChangeAction]
    CHANGE_ACTION_UPDATE: _ClassVar[ChangeAction]
    CHANGE_ACTION_DELETE: _ClassVar[ChangeAction]
    CHANGE_ACTION_REPLACE: _ClassVar[ChangeAction]

class ChangeOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANGE_OUTCOME_UNSPECIFIED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_CREATED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_UPDATED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_DELETED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_ADOPTED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_MOVED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_REPLACED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_UNCHANGED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_SKIPPED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_FAILED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_BLOCKED: _ClassVar[ChangeOutcome]
    CHANGE_OUTCOME_CONFLICTED: _ClassVar[ChangeOutcome]
CHANGE_ACTION_UNSPECIFIED: ChangeAction
CHANGE_ACTION_CREATE: ChangeAction
CHANGE_ACTION_UPDATE: ChangeAction
CHANGE_ACTION_DELETE: ChangeAction
CHANGE_ACTION_REPLACE: ChangeAction
CHANGE_OUTCOME_UNSPECIFIED: ChangeOutcome
CHANGE_OUTCOME_CREATED: ChangeOutcome
CHANGE_OUTCOME_UPDATED: ChangeOutcome
CHANGE_OUTCOME_DELETED: ChangeOutcome
CHANGE_OUTCOME_ADOPTED: ChangeOutcome
CHANGE_OUTCOME_MOVED: ChangeOutcome
CHANGE_OUTCOME_REPLACED: ChangeOutcome
CHANGE_OUTCOME_UNCHANGED: ChangeOutcome
CHANGE_OUTCOME_SKIPPED: ChangeOutcome
CHANGE_OUTCOME_FAILED: ChangeOutcome
CHANGE_OUTCOME_BLOCKED: ChangeOutcome
CHANGE_OUTCOME_CONFLICTED: ChangeOutcome

class ResourceKey(_message.Message):
    __slots__ = ("kind", "org", "slug")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ORG_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    kind: str
    org: str
    slug: str
    def __init__(self, kind: _Optional[str] = ..., org: _Optional[str] = ..., slug: _Optional[str] = ...) -> None: ...

class ListDigestsRequest(_message.Message):
    __slots__ = ("org", "buckets", "since_revision", "epoch")
    ORG_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    SINCE_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    org: str
    buckets: bytes
    since_revision: int
    epoch: str
    def __init__(self, org: _Optional[str] = ..., buckets: _Optional[bytes] = ..., since_revision: _Optional[int] = ..., epoch: _Optional[str] = ...) -> None: ...

class ListDigestsResponse(_message.Message):
    __slots__ = ("revision", "epoch", "scope", "entries", "buckets")
    class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SCOPE_UNSPECIFIED: _ClassVar[ListDigestsResponse.Scope]
        SCOPE_EQUAL: _ClassVar[ListDigestsResponse.Scope]
        SCOPE_SINCE: _ClassVar[ListDigestsResponse.Scope]
        SCOPE_BUCKETS: _ClassVar[ListDigestsResponse.Scope]
    SCOPE_UNSPECIFIED: ListDigestsResponse.Scope
    SCOPE_EQUAL: ListDigestsResponse.Scope
    SCOPE_SINCE: ListDigestsResponse.Scope
    SCOPE_BUCKETS: ListDigestsResponse.Scope
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    epoch: str
    scope: ListDigestsResponse.Scope
    entries: _containers.RepeatedCompositeFieldContainer[DigestEntry]
    buckets: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, revision: _Optional[int] = ..., epoch: _Optional[str] = ..., scope: _Optional[_Union[ListDigestsResponse.Scope, str]] = ..., entries: _Optional[_Iterable[_Union[DigestEntry, _Mapping]]] = ..., buckets: _Optional[_Iterable[int]] = ...) -> None: ...

class DigestEntry(_message.Message):
    __slots__ = ("kind", "slug", "id", "resource_version", "digest", "owner", "deleted")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    id: str
    resource_version: int
    digest: bytes
    owner: str
    deleted: bool
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., id: _Optional[str] = ..., resource_version: _Optional[int] = ..., digest: _Optional[bytes] = ..., owner: _Optional[str] = ..., deleted: bool = ...) -> None: ...

class GetResourcesRequest(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[ResourceKey]
    def __init__(self, keys: _Optional[_Iterable[_Union[ResourceKey, _Mapping]]] = ...) -> None: ...

class GetResourcesResponse(_message.Message):
    __slots__ = ("revision", "resources")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    resources: _containers.RepeatedCompositeFieldContainer[PackedResource]
    def __init__(self, revision: _Optional[int] = ..., resources: _Optional[_Iterable[_Union[PackedResource, _Mapping]]] = ...) -> None: ...

class PackedResource(_message.Message):
    __slots__ = ("key", "content", "digest")
    KEY_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    key: ResourceKey
    content: bytes
    digest: bytes
    def __init__(self, key: _Optional[_Union[ResourceKey, _Mapping]] = ..., content: _Optional[bytes] = ..., digest: _Optional[bytes] = ...) -> None: ...

class ResourceChange(_message.Message):
    __slots__ = ("key", "action", "content", "if_resource_version", "if_id", "claims")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    IF_RESOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    IF_ID_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    key: ResourceKey
    action: ChangeAction
    content: bytes
    if_resource_version: int
    if_id: str
    claims: bytes
    def __init__(self, key: _Optional[_Union[ResourceKey, _Mapping]] = ..., action: _Optional[_Union[ChangeAction, str]] = ..., content: _Optional[bytes] = ..., if_resource_version: _Optional[int] = ..., if_id: _Optional[str] = ..., claims: _Optional[bytes] = ...) -> None: ...

class ApplyChangesRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: ApplyHeader
    chunk: ApplyChunk
    def __init__(self, header: _Optional[_Union[ApplyHeader, _Mapping]] = ..., chunk: _Optional[_Union[ApplyChunk, _Mapping]] = ...) -> None: ...

class ApplyHeader(_message.Message):
    __slots__ = ("request_id", "validate_only", "independent", "manager", "force_conflicts", "change_count", "pending_artifacts")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    INDEPENDENT_FIELD_NUMBER: _ClassVar[int]
    MANAGER_FIELD_NUMBER: _ClassVar[int]
    FORCE_CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    PENDING_ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    validate_only: bool
    independent: bool
    manager: str
    force_conflicts: bool
    change_count: int
    pending_artifacts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, request_id: _Optional[str] = ..., validate_only: bool = ..., independent: bool = ..., manager: _Optional[str] = ..., force_conflicts: bool = ..., change_count: _Optional[int] = ..., pending_artifacts: _Optional[_Iterable[str]] = ...) -> None: ...

class ApplyChunk(_message.Message):
    __slots__ = ("changes",)
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[ResourceChange]
    def __init__(self, changes: _Optional[_Iterable[_Union[ResourceChange, _Mapping]]] = ...) -> None: ...

class ChangeResult(_message.Message):
    __slots__ = ("key", "outcome", "id", "resource_version", "error", "warnings", "blocked_by")
    KEY_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_BY_FIELD_NUMBER: _ClassVar[int]
    key: ResourceKey
    outcome: ChangeOutcome
    id: str
    resource_version: int
    error: ChangeError
    warnings: _containers.RepeatedScalarFieldContainer[str]
    blocked_by: ResourceKey
    def __init__(self, key: _Optional[_Union[ResourceKey, _Mapping]] = ..., outcome: _Optional[_Union[ChangeOutcome, str]] = ..., id: _Optional[str] = ..., resource_version: _Optional[int] = ..., error: _Optional[_Union[ChangeError, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ..., blocked_by: _Optional[_Union[ResourceKey, _Mapping]] = ...) -> None: ...

class ChangeError(_message.Message):
    __slots__ = ("code", "message", "violations", "hint")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    hint: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., hint: _Optional[str] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description", "related")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    RELATED_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    related: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ..., related: _Optional[_Iterable[str]] = ...) -> None: ...

class ApplyChangesResponse(_message.Message):
    __slots__ = ("revision", "results", "committed", "replayed")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    results: _containers.RepeatedCompositeFieldContainer[ChangeResult]
    committed: bool
    replayed: bool
    def __init__(self, revision: _Optional[int] = ..., results: _Optional[_Iterable[_Union[ChangeResult, _Mapping]]] = ..., committed: bool = ..., replayed: bool = ...) -> None: ...

class GetApplyOutcomeRequest(_message.Message):
    __slots__ = ("request_id",)
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    def __init__(self, request_id: _Optional[str] = ...) -> None: ...

class GetApplyOutcomeResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: ApplyChangesResponse
    def __init__(self, response: _Optional[_Union[ApplyChangesResponse, _Mapping]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("since_revision", "epoch", "kinds", "org")
    SINCE_REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    ORG_FIELD_NUMBER: _ClassVar[int]
    since_revision: int
    epoch: str
    kinds: _containers.RepeatedScalarFieldContainer[str]
    org: str
    def __init__(self, since_revision: _Optional[int] = ..., epoch: _Optional[str] = ..., kinds: _Optional[_Iterable[str]] = ..., org: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("revision", "epoch", "at", "actor", "events")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    epoch: str
    at: _timestamp_pb2.Timestamp
    actor: str
    events: _containers.RepeatedCompositeFieldContainer[WatchEvent]
    def __init__(self, revision: _Optional[int] = ..., epoch: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., events: _Optional[_Iterable[_Union[WatchEvent, _Mapping]]] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ("type", "key", "id", "resource_version", "digest")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_UNSPECIFIED: _ClassVar[WatchEvent.Type]
        TYPE_CREATED: _ClassVar[WatchEvent.Type]
        TYPE_UPDATED: _ClassVar[WatchEvent.Type]
        TYPE_DELETED: _ClassVar[WatchEvent.Type]
    TYPE_UNSPECIFIED: WatchEvent.Type
    TYPE_CREATED: WatchEvent.Type
    TYPE_UPDATED: WatchEvent.Type
    TYPE_DELETED: WatchEvent.Type
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    type: WatchEvent.Type
    key: ResourceKey
    id: str
    resource_version: int
    digest: bytes
    def __init__(self, type: _Optional[_Union[WatchEvent.Type, str]] = ..., key: _Optional[_Union[ResourceKey, _Mapping]] = ..., id: _Optional[str] = ..., resource_version: _Optional[int] = ..., digest: _Optional[bytes] = ...) -> None: ...

class StoredResource(_message.Message):
    __slots__ = ("content", "digest", "resource_version", "generation", "owner", "parent", "created_by", "created_at", "updated_by", "updated_at", "claims", "spec_digest")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    CLAIMS_FIELD_NUMBER: _ClassVar[int]
    SPEC_DIGEST_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    digest: bytes
    resource_version: int
    generation: int
    owner: str
    parent: str
    created_by: str
    created_at: int
    updated_by: str
    updated_at: int
    claims: _containers.RepeatedCompositeFieldContainer[_metadata_pb2.ManagerClaims]
    spec_digest: bytes
    def __init__(self, content: _Optional[bytes] = ..., digest: _Optional[bytes] = ..., resource_version: _Optional[int] = ..., generation: _Optional[int] = ..., owner: _Optional[str] = ..., parent: _Optional[str] = ..., created_by: _Optional[str] = ..., created_at: _Optional[int] = ..., updated_by: _Optional[str] = ..., updated_at: _Optional[int] = ..., claims: _Optional[_Iterable[_Union[_metadata_pb2.ManagerClaims, _Mapping]]] = ..., spec_digest: _Optional[bytes] = ...) -> None: ...

class StoredHead(_message.Message):
    __slots__ = ("digest", "resource_version", "owner", "managed")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    MANAGED_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    resource_version: int
    owner: str
    managed: bool
    def __init__(self, digest: _Optional[bytes] = ..., resource_version: _Optional[int] = ..., owner: _Optional[str] = ..., managed: bool = ...) -> None: ...

class StoredOutcome(_message.Message):
    __slots__ = ("request_digest", "expires_at", "response", "method")
    REQUEST_DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    request_digest: bytes
    expires_at: int
    response: bytes
    method: str
    def __init__(self, request_digest: _Optional[bytes] = ..., expires_at: _Optional[int] = ..., response: _Optional[bytes] = ..., method: _Optional[str] = ...) -> None: ...

class StoredNote(_message.Message):
    __slots__ = ("actor", "method", "request_id", "manager")
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MANAGER_FIELD_NUMBER: _ClassVar[int]
    actor: str
    method: str
    request_id: str
    manager: str
    def __init__(self, actor: _Optional[str] = ..., method: _Optional[str] = ..., request_id: _Optional[str] = ..., manager: _Optional[str] = ...) -> None: ...

class StoredEvent(_message.Message):
    __slots__ = ("resource_version", "digest", "managed")
    RESOURCE_VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    MANAGED_FIELD_NUMBER: _ClassVar[int]
    resource_version: int
    digest: bytes
    managed: bool
    def __init__(self, resource_version: _Optional[int] = ..., digest: _Optional[bytes] = ..., managed: bool = ...) -> None: ...
