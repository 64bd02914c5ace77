from google.protobuf import struct_pb2 as _struct_pb2
from stigmer.backend.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DslDocument(_message.Message):
    __slots__ = ("dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DSL_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    dsl: str
    namespace: str
    name: str
    version: str
    title: str
    summary: str
    tags: _containers.ScalarMap[str, str]
    metadata: _struct_pb2.Struct
    def __init__(self, dsl: _Optional[str] = ..., namespace: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[str] = ..., title: _Optional[str] = ..., summary: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DslInput(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    schema: _struct_pb2.Struct
    def __init__(self, schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., **kwargs) -> None: ...

class DslOutput(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    AS_FIELD_NUMBER: _ClassVar[int]
    schema: _struct_pb2.Struct
    def __init__(self, schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., **kwargs) -> None: ...

class DslTaskEntry(_message.Message):
    __slots__ = ("name", "task")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    name: str
    task: DslTask
    def __init__(self, name: _Optional[str] = ..., task: _Optional[_Union[DslTask, _Mapping]] = ...) -> None: ...

class DslTask(_message.Message):
    __slots__ = ("input", "output", "export", "timeout", "then", "metadata", "set", "call", "switch", "do", "fork", "catch", "listen", "wait", "run", "emit", "foreach")
    IF_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    THEN_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    WITH_FIELD_NUMBER: _ClassVar[int]
    SWITCH_FIELD_NUMBER: _ClassVar[int]
    FOR_FIELD_NUMBER: _ClassVar[int]
    WHILE_FIELD_NUMBER: _ClassVar[int]
    DO_FIELD_NUMBER: _ClassVar[int]
    FORK_FIELD_NUMBER: _ClassVar[int]
    TRY_FIELD_NUMBER: _ClassVar[int]
    CATCH_FIELD_NUMBER: _ClassVar[int]
    LISTEN_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    RAISE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    EMIT_FIELD_NUMBER: _ClassVar[int]
    FOREACH_FIELD_NUMBER: _ClassVar[int]
    input: DslInput
    output: DslOutput
    export: DslExport
    timeout: _struct_pb2.Value
    then: str
    metadata: _struct_pb2.Struct
    set: _struct_pb2.Value
    call: str
    switch: _containers.RepeatedCompositeFieldContainer[DslSwitchEntry]
    do: _containers.RepeatedCompositeFieldContainer[DslTaskEntry]
    fork: DslFork
    catch: DslCatch
    listen: _struct_pb2.Struct
    wait: _struct_pb2.Value
    run: _struct_pb2.Struct
    emit: _struct_pb2.Struct
    foreach: _struct_pb2.Struct
    def __init__(self, input: _Optional[_Union[DslInput, _Mapping]] = ..., output: _Optional[_Union[DslOutput, _Mapping]] = ..., export: _Optional[_Union[DslExport, _Mapping]] = ..., timeout: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., then: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., set: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., call: _Optional[str] = ..., switch: _Optional[_Iterable[_Union[DslSwitchEntry, _Mapping]]] = ..., do: _Optional[_Iterable[_Union[DslTaskEntry, _Mapping]]] = ..., fork: _Optional[_Union[DslFork, _Mapping]] = ..., catch: _Optional[_Union[DslCatch, _Mapping]] = ..., listen: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., wait: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., run: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., emit: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., foreach: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., **kwargs) -> None: ...

class DslExport(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    AS_FIELD_NUMBER: _ClassVar[int]
    schema: _struct_pb2.Struct
    def __init__(self, schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., **kwargs) -> None: ...

class DslSwitchEntry(_message.Message):
    __slots__ = ("name", "case")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CASE_FIELD_NUMBER: _ClassVar[int]
    name: str
    case: DslSwitchCase
    def __init__(self, name: _Optional[str] = ..., case: _Optional[_Union[DslSwitchCase, _Mapping]] = ...) -> None: ...

class DslSwitchCase(_message.Message):
    __slots__ = ("when", "then")
    WHEN_FIELD_NUMBER: _ClassVar[int]
    THEN_FIELD_NUMBER: _ClassVar[int]
    when: str
    then: str
    def __init__(self, when: _Optional[str] = ..., then: _Optional[str] = ...) -> None: ...

class DslFor(_message.Message):
    __slots__ = ("each", "at")
    EACH_FIELD_NUMBER: _ClassVar[int]
    IN_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    each: str
    at: str
    def __init__(self, each: _Optional[str] = ..., at: _Optional[str] = ..., **kwargs) -> None: ...

class DslFork(_message.Message):
    __slots__ = ("branches", "compete")
    BRANCHES_FIELD_NUMBER: _ClassVar[int]
    COMPETE_FIELD_NUMBER: _ClassVar[int]
    branches: _containers.RepeatedCompositeFieldContainer[DslTaskEntry]
    compete: bool
    def __init__(self, branches: _Optional[_Iterable[_Union[DslTaskEntry, _Mapping]]] = ..., compete: bool = ...) -> None: ...

class DslCatch(_message.Message):
    __slots__ = ("errors", "when", "except_when", "retry", "do")
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    AS_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    EXCEPT_WHEN_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    DO_FIELD_NUMBER: _ClassVar[int]
    errors: _struct_pb2.Struct
    when: str
    except_when: str
    retry: _struct_pb2.Value
    do: _containers.RepeatedCompositeFieldContainer[DslTaskEntry]
    def __init__(self, errors: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., when: _Optional[str] = ..., except_when: _Optional[str] = ..., retry: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., do: _Optional[_Iterable[_Union[DslTaskEntry, _Mapping]]] = ..., **kwargs) -> None: ...
