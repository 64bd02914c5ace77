from google.protobuf import struct_pb2 as _struct_pb2
from stigmer.backend.v1 import metadata_pb2 as _metadata_pb2
from stigmer.backend.v1 import options_pb2 as _options_pb2
from stigmer.backend.v1 import workflow_dsl_pb2 as _workflow_dsl_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Workflow(_message.Message):
    __slots__ = ("api_version", "kind", "metadata", "spec", "status")
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    api_version: str
    kind: str
    metadata: _metadata_pb2.ResourceMetadata
    spec: WorkflowSpec
    status: WorkflowStatus
    def __init__(self, api_version: _Optional[str] = ..., kind: _Optional[str] = ..., metadata: _Optional[_Union[_metadata_pb2.ResourceMetadata, _Mapping]] = ..., spec: _Optional[_Union[WorkflowSpec, _Mapping]] = ..., status: _Optional[_Union[WorkflowStatus, _Mapping]] = ...) -> None: ...

class WorkflowSpec(_message.Message):
    __slots__ = ("description", "inputs", "tasks", "document", "input", "do", "output", "use", "schedule", "timeout")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: WorkflowInput
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[WorkflowInput, _Mapping]] = ...) -> None: ...
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    DO_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    description: str
    inputs: _containers.MessageMap[str, WorkflowInput]
    tasks: _containers.RepeatedCompositeFieldContainer[WorkflowTask]
    document: _workflow_dsl_pb2.DslDocument
    input: _workflow_dsl_pb2.DslInput
    do: _containers.RepeatedCompositeFieldContainer[_workflow_dsl_pb2.DslTaskEntry]
    output: _workflow_dsl_pb2.DslOutput
    use: _struct_pb2.Struct
    schedule: _struct_pb2.Struct
    timeout: _struct_pb2.Value
    def __init__(self, description: _Optional[str] = ..., inputs: _Optional[_Mapping[str, WorkflowInput]] = ..., tasks: _Optional[_Iterable[_Union[WorkflowTask, _Mapping]]] = ..., document: _Optional[_Union[_workflow_dsl_pb2.DslDocument, _Mapping]] = ..., input: _Optional[_Union[_workflow_dsl_pb2.DslInput, _Mapping]] = ..., do: _Optional[_Iterable[_Union[_workflow_dsl_pb2.DslTaskEntry, _Mapping]]] = ..., output: _Optional[_Union[_workflow_dsl_pb2.DslOutput, _Mapping]] = ..., use: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., schedule: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., timeout: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class WorkflowInput(_message.Message):
    __slots__ = ("type", "description", "required", "default")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    type: str
    description: str
    required: bool
    default: _struct_pb2.Value
    def __init__(self, type: _Optional[str] = ..., description: _Optional[str] = ..., required: bool = ..., default: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class WorkflowTask(_message.Message):
    __slots__ = ("name", "description", "agent", "depends_on", "inputs", "outputs")
    class InputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _struct_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...
    class OutputsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: WorkflowOutput
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[WorkflowOutput, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    agent: str
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    inputs: _containers.MessageMap[str, _struct_pb2.Value]
    outputs: _containers.MessageMap[str, WorkflowOutput]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., agent: _Optional[str] = ..., depends_on: _Optional[_Iterable[str]] = ..., inputs: _Optional[_Mapping[str, _struct_pb2.Value]] = ..., outputs: _Optional[_Mapping[str, WorkflowOutput]] = ...) -> None: ...

class WorkflowOutput(_message.Message):
    __slots__ = ("type", "description")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    type: str
    description: str
    def __init__(self, type: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class WorkflowStatus(_message.Message):
    __slots__ = ("default_instance_id", "conditions")
    DEFAULT_INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    default_instance_id: str
    conditions: _containers.RepeatedCompositeFieldContainer[_metadata_pb2.Condition]
    def __init__(self, default_instance_id: _Optional[str] = ..., conditions: _Optional[_Iterable[_Union[_metadata_pb2.Condition, _Mapping]]] = ...) -> None: ...

class WorkflowInstance(_message.Message):
    __slots__ = ("api_version", "kind", "metadata", "spec", "status")
    API_VERSION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    api_version: str
    kind: str
    metadata: _metadata_pb2.ResourceMetadata
    spec: WorkflowInstanceSpec
    status: WorkflowInstanceStatus
    def __init__(self, api_version: _Optional[str] = ..., kind: _Optional[str] = ..., metadata: _Optional[_Union[_metadata_pb2.ResourceMetadata, _Mapping]] = ..., spec: _Optional[_Union[WorkflowInstanceSpec, _Mapping]] = ..., status: _Optional[_Union[WorkflowInstanceStatus, _Mapping]] = ...) -> None: ...

class WorkflowInstanceSpec(_message.Message):
    __slots__ = ("workflow", "description", "environments")
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    workflow: str
    description: str
    environments: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, workflow: _Optional[str] = ..., description: _Optional[str] = ..., environments: _Optional[_Iterable[str]] = ...) -> None: ...

class WorkflowInstanceStatus(_message.Message):
    __slots__ = ("conditions",)
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    conditions: _containers.RepeatedCompositeFieldContainer[_metadata_pb2.Condition]
    def __init__(self, conditions: _Optional[_Iterable[_Union[_metadata_pb2.Condition, _Mapping]]] = ...) -> None: ...
