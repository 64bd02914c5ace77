from stigmer.backend.v1 import metadata_pb2 as _metadata_pb2
from stigmer.backend.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Skill(_message.Message):
    __slots__ = ("api_version", "kind", "metadata", "spec", "status")
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    api_version: str
    kind: str
    metadata: _metadata_pb2.ResourceMetadata
    spec: SkillSpec
    status: SkillStatus
    def __init__(self, api_version: _Optional[str] = ..., kind: _Optional[str] = ..., metadata: _Optional[_Union[_metadata_pb2.ResourceMetadata, _Mapping]] = ..., spec: _Optional[_Union[SkillSpec, _Mapping]] = ..., status: _Optional[_Union[SkillStatus, _Mapping]] = ...) -> None: ...

class SkillSpec(_message.Message):
    __slots__ = ("description", "skill_md", "tag", "artifact", "folder", "bundle")
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SKILL_MD_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    BUNDLE_FIELD_NUMBER: _ClassVar[int]
    description: str
    skill_md: str
    tag: str
    artifact: str
    folder: str
    bundle: bytes
    def __init__(self, description: _Optional[str] = ..., skill_md: _Optional[str] = ..., tag: _Optional[str] = ..., artifact: _Optional[str] = ..., folder: _Optional[str] = ..., bundle: _Optional[bytes] = ...) -> None: ...

class SkillStatus(_message.Message):
    __slots__ = ("version", "conditions")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    version: str
    conditions: _containers.RepeatedCompositeFieldContainer[_metadata_pb2.Condition]
    def __init__(self, version: _Optional[str] = ..., conditions: _Optional[_Iterable[_Union[_metadata_pb2.Condition, _Mapping]]] = ...) -> None: ...
