from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verb(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERB_UNSPECIFIED: _ClassVar[Verb]
    VERB_CREATE: _ClassVar[Verb]
    VERB_GET: _ClassVar[Verb]
    VERB_UPDATE: _ClassVar[Verb]
    VERB_DELETE: _ClassVar[Verb]
    VERB_LIST: _ClassVar[Verb]
    VERB_CUSTOM: _ClassVar[Verb]

class ListType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIST_TYPE_UNSPECIFIED: _ClassVar[ListType]
    LIST_TYPE_ATOMIC: _ClassVar[ListType]
    LIST_TYPE_SET: _ClassVar[ListType]
    LIST_TYPE_MAP: _ClassVar[ListType]

class ArtifactForm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ARTIFACT_FORM_UNSPECIFIED: _ClassVar[ArtifactForm]
    ARTIFACT_FORM_FOLDER: _ClassVar[ArtifactForm]
    ARTIFACT_FORM_ARCHIVE: _ClassVar[ArtifactForm]
VERB_UNSPECIFIED: Verb
VERB_CREATE: Verb
VERB_GET: Verb
VERB_UPDATE: Verb
VERB_DELETE: Verb
VERB_LIST: Verb
VERB_CUSTOM: Verb
LIST_TYPE_UNSPECIFIED: ListType
LIST_TYPE_ATOMIC: ListType
LIST_TYPE_SET: ListType
LIST_TYPE_MAP: ListType
ARTIFACT_FORM_UNSPECIFIED: ArtifactForm
ARTIFACT_FORM_FOLDER: ArtifactForm
ARTIFACT_FORM_ARCHIVE: ArtifactForm
KIND_FIELD_NUMBER: _ClassVar[int]
kind: _descriptor.FieldDescriptor
FORM_FIELD_NUMBER: _ClassVar[int]
form: _descriptor.FieldDescriptor
RPC_FIELD_NUMBER: _ClassVar[int]
rpc: _descriptor.FieldDescriptor
RULES_FIELD_NUMBER: _ClassVar[int]
rules: _descriptor.FieldDescriptor

class KindOptions(_message.Message):
    __slots__ = ("api_version", "plural", "id_prefix", "apply_rank", "short_names", "default_instance_kind", "max_slug_length")
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    PLURAL_FIELD_NUMBER: _ClassVar[int]
    ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    APPLY_RANK_FIELD_NUMBER: _ClassVar[int]
    SHORT_NAMES_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_INSTANCE_KIND_FIELD_NUMBER: _ClassVar[int]
    MAX_SLUG_LENGTH_FIELD_NUMBER: _ClassVar[int]
    api_version: str
    plural: str
    id_prefix: str
    apply_rank: int
    short_names: _containers.RepeatedScalarFieldContainer[str]
    default_instance_kind: str
    max_slug_length: int
    def __init__(self, api_version: _Optional[str] = ..., plural: _Optional[str] = ..., id_prefix: _Optional[str] = ..., apply_rank: _Optional[int] = ..., short_names: _Optional[_Iterable[str]] = ..., default_instance_kind: _Optional[str] = ..., max_slug_length: _Optional[int] = ...) -> None: ...

class MessageFormOptions(_message.Message):
    __slots__ = ("shorthand", "entry_key", "entry_value")
    SHORTHAND_FIELD_NUMBER: _ClassVar[int]
    ENTRY_KEY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_VALUE_FIELD_NUMBER: _ClassVar[int]
    shorthand: str
    entry_key: str
    entry_value: str
    def __init__(self, shorthand: _Optional[str] = ..., entry_key: _Optional[str] = ..., entry_value: _Optional[str] = ...) -> None: ...

class RpcOptions(_message.Message):
    __slots__ = ("verb", "kind", "permission")
    VERB_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    verb: Verb
    kind: str
    permission: str
    def __init__(self, verb: _Optional[_Union[Verb, str]] = ..., kind: _Optional[str] = ..., permission: _Optional[str] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("kind", "required", "condition")
    KIND_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    required: bool
    condition: str
    def __init__(self, kind: _Optional[str] = ..., required: bool = ..., condition: _Optional[str] = ...) -> None: ...

class SiblingReference(_message.Message):
    __slots__ = ("list", "key")
    LIST_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    list: str
    key: str
    def __init__(self, list: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class Fold(_message.Message):
    __slots__ = ("into", "value_field", "true_field")
    INTO_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_FIELD_NUMBER: _ClassVar[int]
    TRUE_FIELD_FIELD_NUMBER: _ClassVar[int]
    into: str
    value_field: str
    true_field: str
    def __init__(self, into: _Optional[str] = ..., value_field: _Optional[str] = ..., true_field: _Optional[str] = ...) -> None: ...

class ArtifactReference(_message.Message):
    __slots__ = ("media_type", "text_file", "text_field")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FILE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    text_file: str
    text_field: str
    def __init__(self, media_type: _Optional[str] = ..., text_file: _Optional[str] = ..., text_field: _Optional[str] = ...) -> None: ...

class ArtifactSource(_message.Message):
    __slots__ = ("into", "form")
    INTO_FIELD_NUMBER: _ClassVar[int]
    FORM_FIELD_NUMBER: _ClassVar[int]
    into: str
    form: ArtifactForm
    def __init__(self, into: _Optional[str] = ..., form: _Optional[_Union[ArtifactForm, str]] = ...) -> None: ...

class FieldRules(_message.Message):
    __slots__ = ("output_only", "immutable", "secret", "reference", "sibling", "list_type", "list_key", "fold", "secret_when", "file_source", "value_source_for", "list_of_keys", "scalar_text", "artifact", "artifact_source", "default_value")
    OUTPUT_ONLY_FIELD_NUMBER: _ClassVar[int]
    IMMUTABLE_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    SIBLING_FIELD_NUMBER: _ClassVar[int]
    LIST_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIST_KEY_FIELD_NUMBER: _ClassVar[int]
    FOLD_FIELD_NUMBER: _ClassVar[int]
    SECRET_WHEN_FIELD_NUMBER: _ClassVar[int]
    FILE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_SOURCE_FOR_FIELD_NUMBER: _ClassVar[int]
    LIST_OF_KEYS_FIELD_NUMBER: _ClassVar[int]
    SCALAR_TEXT_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_SOURCE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    output_only: bool
    immutable: bool
    secret: bool
    reference: Reference
    sibling: SiblingReference
    list_type: ListType
    list_key: str
    fold: Fold
    secret_when: str
    file_source: bool
    value_source_for: str
    list_of_keys: bool
    scalar_text: bool
    artifact: ArtifactReference
    artifact_source: ArtifactSource
    default_value: str
    def __init__(self, output_only: bool = ..., immutable: bool = ..., secret: bool = ..., reference: _Optional[_Union[Reference, _Mapping]] = ..., sibling: _Optional[_Union[SiblingReference, _Mapping]] = ..., list_type: _Optional[_Union[ListType, str]] = ..., list_key: _Optional[str] = ..., fold: _Optional[_Union[Fold, _Mapping]] = ..., secret_when: _Optional[str] = ..., file_source: bool = ..., value_source_for: _Optional[str] = ..., list_of_keys: bool = ..., scalar_text: bool = ..., artifact: _Optional[_Union[ArtifactReference, _Mapping]] = ..., artifact_source: _Optional[_Union[ArtifactSource, _Mapping]] = ..., default_value: _Optional[str] = ...) -> None: ...
