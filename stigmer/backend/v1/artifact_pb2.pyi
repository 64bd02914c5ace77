from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreArtifactRequest(_message.Message):
    __slots__ = ("header", "data")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    header: StoreArtifactHeader
    data: bytes
    def __init__(self, header: _Optional[_Union[StoreArtifactHeader, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class StoreArtifactHeader(_message.Message):
    __slots__ = ("org", "digest", "size", "media_type", "request_id")
    ORG_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    org: str
    digest: str
    size: int
    media_type: str
    request_id: str
    def __init__(self, org: _Optional[str] = ..., digest: _Optional[str] = ..., size: _Optional[int] = ..., media_type: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class StoreArtifactResponse(_message.Message):
    __slots__ = ("digest", "size", "media_type")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size: int
    media_type: str
    def __init__(self, digest: _Optional[str] = ..., size: _Optional[int] = ..., media_type: _Optional[str] = ...) -> None: ...

class GetArtifactRequest(_message.Message):
    __slots__ = ("org", "digest")
    ORG_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    org: str
    digest: str
    def __init__(self, org: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class GetArtifactResponse(_message.Message):
    __slots__ = ("header", "data")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    header: GetArtifactHeader
    data: bytes
    def __init__(self, header: _Optional[_Union[GetArtifactHeader, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class GetArtifactHeader(_message.Message):
    __slots__ = ("digest", "size", "media_type")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    digest: str
    size: int
    media_type: str
    def __init__(self, digest: _Optional[str] = ..., size: _Optional[int] = ..., media_type: _Optional[str] = ...) -> None: ...

class FindMissingArtifactsRequest(_message.Message):
    __slots__ = ("org", "digests")
    ORG_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    org: str
    digests: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, org: _Optional[str] = ..., digests: _Optional[_Iterable[str]] = ...) -> None: ...

class FindMissingArtifactsResponse(_message.Message):
    __slots__ = ("digests",)
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    digests: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, digests: _Optional[_Iterable[str]] = ...) -> None: ...

class StoredArtifact(_message.Message):
    __slots__ = ("size", "media_type", "files", "created_by", "created_at")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    size: int
    media_type: str
    files: _containers.RepeatedCompositeFieldContainer[ArchivedFile]
    created_by: str
    created_at: int
    def __init__(self, size: _Optional[int] = ..., media_type: _Optional[str] = ..., files: _Optional[_Iterable[_Union[ArchivedFile, _Mapping]]] = ..., created_by: _Optional[str] = ..., created_at: _Optional[int] = ...) -> None: ...

class ArchivedFile(_message.Message):
    __slots__ = ("path", "size", "executable", "digest")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EXECUTABLE_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    path: str
    size: int
    executable: bool
    digest: bytes
    def __init__(self, path: _Optional[str] = ..., size: _Optional[int] = ..., executable: bool = ..., digest: _Optional[bytes] = ...) -> None: ...
