# Development tasks. None is needed to use stigmer: README.md has the commands for that.

python := ".venv/bin/python"

# install everything into .venv
setup:
    python3 -m venv .venv
    .venv/bin/pip install --quiet -e '.[dev]'

# all checks, as the continuous integration runs them
check:
    .ci/run

# the default test suite
test *arguments:
    {{python}} -m pytest -q -n auto {{arguments}}

# long soaks and fault campaigns
soak:
    {{python}} -m pytest -q -m slow

# style, types, layers
lint:
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
    .venv/bin/lint-imports
    {{python}} tools/check_contract.py
    {{python}} tools/generate_reference.py --check

# figures of ours and of the tools that people know, in one run (docs/benchmarks.md)
bench *arguments:
    {{python}} -m benchmarks {{arguments}}

# lock the versions that development uses
lock:
    uv lock

# generate stigmer/backend/v1 from proto/
proto:
    {{python}} tools/generate_contract.py

# generate docs/reference from the command line and the contract
reference:
    {{python}} tools/generate_reference.py
