"""Strategies for sets of manifests: every kind in two orgs, with references inside and across them, and with texts that
a writer of YAML or JSON can get wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from stigmer.contract import default_contract


class Estate(list[dict[str, Any]]):
    """Manifests. A failing test shows those that differ; all of them would be more than anyone reads."""

    def __repr__(self) -> str:
        return super().__repr__()[:20_000]


OWN, OTHER = "local", "acme"

NASTY = [
    "", " ", "a\nb", "a\nb\n", "a\n\n", "\na", "\n\n a", "  indented\nless\n", "a \nb\t\n", "tab\there", "\ttab",
    "trailing  ", " \n ", "no", "Yes", "on", "y", "null", "~", "true", "0777", "0o17", "0x1F", "1e3", "1_000", "-0",
    "12:30:45", "2024-01-01", "2024-01-01T00:00:00Z", ".inf", ".nan", "=", "<<", "---", "...", "--- a\n...\nb",
    "a\n---\nb", "- a", "? a", "a: b", "a:", "a #b", "#a", "&anchor", "*alias", "!tag", "!!str x", "|", ">-",
    "%TAG", "'single'", '"double"', "back\\slash", "{{ x }}", "{a: 1}", "[1]", "@at", "`tick`", "${tasks}", "$",
    "é", "日本語", "😀", "👩\u200d👧", "\u0085", "a\u0085b\n", "\u2028", "\u2029", "\ufeffbom", "\u202e", "\u200b",
    "\ufffe", "\x01\x1b[31m\x7f", "\r", "a\r\nb", "\U0001fffe", "\U0010ffff", "k: v\n  - x\n", "x" * 5_000,
    "word " * 2_000, "\n" * 50, "  " * 40 + "\nx",
]  # fmt: skip


def nasty(number: int) -> str:
    """A function of its own: a strategy that is shown does not show the whole list."""
    return NASTY[number]


TEXT = st.one_of(
    st.integers(0, len(NASTY) - 1).map(nasty),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
)
SOME_TEXT = TEXT.filter(lambda text: 0 < len(text) <= 250)
SHORT = TEXT.filter(lambda text: len(text) <= 250)
INSTRUCTIONS = TEXT.map(lambda text: f"{text} and so on")
VARIABLE = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,8}", fullmatch=True)
NUMBER = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 0.1, 1e22, 1e-7, 2.0**53 + 2, 1.0, 5e-324, 1.7976931348623157e308]),
)
JSON = st.recursive(
    TEXT | NUMBER | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A map with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


LABEL = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30) | st.sampled_from(
    ["example.com/team", "no", "0777", "a: b", "a.b/c #d", "😀"]
)
METADATA = some(
    labels=st.dictionaries(LABEL, LABEL | st.just(""), max_size=3),
    annotations=st.dictionaries(SOME_TEXT, TEXT, max_size=2),
    tags=st.lists(SOME_TEXT, max_size=3),
    protect=st.booleans(),
)
VARIABLES = st.dictionaries(
    VARIABLE,
    TEXT.map(lambda text: text[:4_000])
    | some(optional=st.booleans(), description=SHORT, default=TEXT)
    | some(isSecret=st.just(True), description=SHORT),
    max_size=3,
)
VOLUME = st.fixed_dictionaries(
    {"hostPath": SOME_TEXT, "containerPath": SOME_TEXT}, optional={"readOnly": st.booleans()}
)
PORT = st.fixed_dictionaries(
    {"hostPort": st.integers(1, 65535), "containerPort": st.integers(1, 65535)},
    optional={"protocol": st.sampled_from(["tcp", "udp"])},
)
TEXTS = st.dictionaries(TEXT, TEXT, max_size=2)
TRANSPORT = st.one_of(
    some(args=st.lists(TEXT, max_size=3), env=TEXTS, workingDir=SHORT).map(
        lambda rest: {"stdio": {"command": "run", **rest}}
    ),
    some(headers=TEXTS, queryParams=TEXTS, timeoutSeconds=st.integers(0, 300)).map(
        lambda rest: {"http": {"url": "https://example.com/?q=1#x", **rest}}
    ),
    some(args=st.lists(TEXT, max_size=2), volumes=st.lists(VOLUME, max_size=2), ports=st.lists(PORT, max_size=2)).map(
        lambda rest: {"docker": {"image": "example/mcp:1", **rest}}
    ),
)


def reference(slug: str) -> st.SearchStrategy[str]:
    """A resource of every org, from its own one or from the other."""
    return st.sampled_from([slug, f"{OWN}/{slug}", f"{OTHER}/{slug}"])


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(NAME, min_size=1, max_size=4, unique=True))
    tasks = []
    for number, name in enumerate(names):
        task: dict[str, Any] = {"name": name, "agent": draw(reference("the-agent") | st.just("missing"))}
        task |= draw(some(description=SHORT, outputs=st.dictionaries(TEXT, some(type=st.just("string")), max_size=2)))
        if number:
            task["dependsOn"] = draw(st.lists(st.sampled_from(names[:number]), max_size=2))
        task["inputs"] = {key: _harmless(value) for key, value in draw(OBJECT).items()}
        tasks.append(task)
    inputs = draw(st.dictionaries(NAME, some(type=st.just("number"), default=JSON, description=SHORT), max_size=2))
    return {"inputs": inputs, "tasks": tasks}


def _harmless(value: Any) -> Any:
    """Without the start of an expression, which must be one that exists."""
    if isinstance(value, str):
        return value.replace("${", "$")
    if isinstance(value, dict):
        return {key: _harmless(item) for key, item in value.items()}
    return [_harmless(item) for item in value] if isinstance(value, list) else value


STEP = st.one_of(
    st.fixed_dictionaries({"set": OBJECT}),
    st.fixed_dictionaries({"call": st.just("http"), "with": OBJECT}),
    st.fixed_dictionaries({"wait": st.sampled_from(["PT5S", {"seconds": 30}])}),
    st.fixed_dictionaries({"emit": OBJECT, "if": TEXT, "metadata": OBJECT}),
    st.fixed_dictionaries({"raise": OBJECT, "export": some(schema=OBJECT)}),
)
STEPS = st.recursive(
    st.lists(st.tuples(SOME_TEXT, STEP), min_size=1, max_size=2, unique_by=lambda each: each[0]),
    lambda inner: st.tuples(
        SOME_TEXT,
        st.one_of(
            inner.map(lambda steps: {"do": _entries(steps)}),
            inner.map(lambda steps: {"fork": {"branches": _entries(steps), "compete": True}}),
            inner.map(lambda steps: {"for": {"in": [1, "a"]}, "do": _entries(steps)}),
            inner.map(lambda steps: {"try": _entries(steps), "catch": {"as": "e", "retry": {"delay": "PT1S"}}}),
        ),
    ).map(lambda step: [step]),
    max_leaves=3,
)


def _entries(steps: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [{name: step} for name, step in steps]


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Any]:
    document = {"dsl": "1.0.0", "namespace": draw(SHORT), "name": draw(SOME_TEXT), "version": "0777"}
    spec = {"document": document | draw(some(metadata=OBJECT, tags=st.dictionaries(TEXT, TEXT, max_size=2)))}
    spec |= draw(some(use=OBJECT.map(lambda found: {"timeouts": found}), schedule=OBJECT, input=some(schema=OBJECT)))
    return {**spec, "do": _entries(draw(STEPS))}


ENVIRONMENTS = st.lists(reference("the-environment"), max_size=2)
SPECS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "Environment": some(
        description=SHORT,
        data=st.dictionaries(
            VARIABLE,
            TEXT | some(value=TEXT, description=SHORT) | some(isSecret=st.just(True), description=SHORT),
            max_size=4,
        ),
    ),
    "McpServer": st.builds(
        lambda transport, rest: {**transport, **rest},
        TRANSPORT,
        some(description=SHORT, enabledTools=st.lists(TEXT, max_size=3), env=VARIABLES),
    ),
    "Skill": st.fixed_dictionaries({"skillMd": TEXT.filter(bool)}, optional={"description": SHORT, "tag": SHORT}),
    "Agent": st.fixed_dictionaries(
        {"instructions": INSTRUCTIONS},
        optional={
            "description": SHORT,
            "mcpServers": st.lists(
                reference("the-mcpserver")
                | st.fixed_dictionaries({"name": SOME_TEXT, "stdio": st.just({"command": "run"})}),
                max_size=2,
            ),
            "skills": st.lists(reference("the-skill"), max_size=3),
            "subAgents": st.lists(
                st.fixed_dictionaries({"name": SOME_TEXT, "instructions": INSTRUCTIONS}),
                max_size=2,
                unique_by=lambda each: str(each["name"]),
            ),
            "env": VARIABLES,
            "config": st.dictionaries(TEXT, TEXT, max_size=3),
        },
    ),
    "Workflow": st.one_of(graphs(), scripts()),
    "AgentInstance": st.fixed_dictionaries(
        {"agent": reference("the-agent"), "environments": ENVIRONMENTS}, optional={"description": SHORT}
    ),
    "WorkflowInstance": st.fixed_dictionaries(
        {"workflow": reference("the-workflow"), "environments": ENVIRONMENTS}, optional={"description": SHORT}
    ),
}


@st.composite
def resources(draw: st.DrawFn, kind: str, slug: str, org: str) -> dict[str, Any]:
    """One manifest. The name is the slug, gives it, or has nothing to do with it."""
    named = draw(st.sampled_from([{"name": slug}, {"name": slug.replace("-", " ").title()}, None]))
    if named is None:
        named = {"name": draw(SHORT), "slug": slug}
    metadata = {**named, "org": org, **draw(METADATA)}
    api_version = default_contract().kinds[kind].api_version
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": draw(SPECS[kind])}


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    """One resource of every kind in each of two orgs, and up to two more of each kind."""
    documents = []
    for kind in default_contract().kinds:
        slugs = [f"the-{kind.lower()}", *[f"more-{number}" for number in range(draw(st.integers(0, 2)))]]
        documents += [draw(resources(kind, slug, org)) for org in (OWN, OTHER) for slug in slugs]
    return Estate(draw(st.permutations(documents)))
