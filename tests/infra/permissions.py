"""Compares what the roles allow with what the functions' sources do, in both directions.

The tables here state which permissions an operation needs, and which objects a function reads and
writes. Everything else is read from the sources and the template.
"""

import functools
import re
from collections.abc import Iterator

import rust
from project import ROOT, Statement, Template, matches, resolve

# The permissions of each operation (Service Authorization Reference). Parts of an upload need PutObject.
ACTIONS = {
    "get_object": {"s3:GetObject"},
    "head_object": {"s3:GetObject"},
    "list_objects_v2": {"s3:ListBucket"},
    # Without it, S3 returns 403 for a missing object.
    rust.MISSING: {"s3:ListBucket"},
    rust.VERSION: {"s3:GetObjectVersion"},
    "put_object": {"s3:PutObject"},
    "create_multipart_upload": {"s3:PutObject"},
    "upload_part": {"s3:PutObject"},
    "upload_part_copy": {"s3:GetObject", "s3:PutObject"},
    "complete_multipart_upload": {"s3:PutObject"},
    "abort_multipart_upload": {"s3:AbortMultipartUpload"},
    # With tags, and with a role that is passed on. In some accounts the caller also needs InvokeModel on the job's model
    # (awslabs/generative-ai-cdk-constructs, issue 1005).
    "CreateModelInvocationJob": {
        "bedrock:CreateModelInvocationJob", "bedrock:InvokeModel", "bedrock:TagResource", "iam:PassRole",
    },
    "GetModelInvocationJob": {"bedrock:GetModelInvocationJob"},
    "ListModelInvocationJobs": {"bedrock:ListModelInvocationJobs"},
    "StopModelInvocationJob": {"bedrock:StopModelInvocationJob"},
    "CountTokens": {"bedrock:CountTokens"},
    "invoke_model": {"bedrock:InvokeModel"},
    "converse": {"bedrock:InvokeModel"},
    "StartExecution": {"states:StartExecution"},
    "StopExecution": {"states:StopExecution"},
    "DescribeExecution": {"states:DescribeExecution"},
    "ListMapRuns": {"states:ListMapRuns"},
    "GetExecutionHistory": {"states:GetExecutionHistory"},
    "ListExecutions": {"states:ListExecutions"},
    "RedriveExecution": {"states:RedriveExecution"},
    "SendPipelineExecutionStepSuccess": {"sagemaker:SendPipelineExecutionStepSuccess"},
    "SendPipelineExecutionStepFailure": {"sagemaker:SendPipelineExecutionStepFailure"},
}

# The objects of a run's folder that each function reads and writes, by the names of their methods in
# crates/contract/src/layout.rs, and the prefixes outside of the folder.
READS = {
    "plan": ["inbox", "pipelines", "plan_progress", "scan", "staged", "sampled", "owner", "plan"],
    "split": ["inbox", "staged", "layout", "plan", "spec", "todo", "forms"],
    "submit": ["plan", "asked", "job"],
    "check": [],
    "invoke": ["plan", "spec", "asked", "input", "on_demand_output", "at_work", "flex_wait"],
    "merge": [
        "inbox", "staged", "layout", "plan", "spec", "asked", "todo", "job_end", "counts", "results",
        "output", "on_demand_output", "given_output", "forms", "refused",
    ],
    "finish": ["results prefix", "write check", "plan", "layout", "finish_progress", "receipt", "part"],
    "trigger": ["inbox", "pipelines", "stop", "arrival note"],
    "settle": ["owner", "plan", "job", "settled mark"],
}
WRITES = {
    "plan": ["owner", "plan_progress", "scan", "staged", "sampled", "layout", "spec", "manifest", "plan", "write check"],
    "split": ["asked", "input"],
    "submit": ["job", "intent"],
    "check": ["job_end"],
    "invoke": ["on_demand_output", "at_work", "flex_wait"],
    "merge": ["counts", "todo", "results", "part", "receipt", "forms", "refused"],
    "finish": ["finish_progress", "results prefix", "write check"],
    "trigger": ["stop", "arrival note"],
    "settle": ["settled mark"],
}
LISTS = {
    "plan": ["inbox", "pipelines", "run"],
    "split": ["run"],
    "submit": ["run"],
    "check": [],
    "invoke": ["run"],
    "merge": ["run"],
    "finish": ["run", "results prefix", "write check"],
    "trigger": ["pipelines"],
    "settle": ["run"],
}
# Locations that a function only passes to Bedrock or the state machine, which use them with their own roles.
NAMED_ONLY = {"submit": {"input", "output"}, "plan": {"manifest"}, "settle": {"slices"}}
# Objects that are written in parts, which are aborted if writing fails.
IN_PARTS = {"staged", "sampled", "input", "results", "part", "results prefix", "write check"}
PREFIXES = {
    "inbox": "inbox/p/a.csv",
    "pipelines": "pipelines/p/prompts.json",
    "results prefix": "results/p/run/a.csv",
    # plan begins and aborts an upload here, before anything costs money.
    "write check": "results/p/run/write-check",
    "run": "runs/run/x",
}
# In the work prefix, but not in a run's folder: functions/trigger/src/repeated.rs, functions/settle/src/mark.rs.
NOTES = {"arrival note": "runs/arrivals/0123456789abcdef.json", "settled mark": "runs/settled/0123456789abcdef.json"}


@functools.cache
def layout() -> dict[str, str]:
    """Returns a key for each object of a run's folder, by its method's name."""
    text = rust.text_of(ROOT / "crates/contract/src/layout.rs")
    folders = {"RunFolder": "runs/run/", "SliceFolder": "runs/run/slices/000001/", "RoundFolder": "runs/run/slices/000001/round-0/"}
    keys = {}
    for kind, folder in folders.items():
        implementation = re.search(rf"^impl {kind} \{{(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
        assert implementation, kind
        for name, body in rust.bodies(implementation[1]):
            joined = re.search(r'\.join\(\s*&?(?:format!\()?"([^"]+)"', body)
            if joined and "folder:" not in body:
                key = folder + re.sub(r"\{[^}]*\}", "1", joined[1])
                keys[name] = key + "x" if key.endswith("/") else key
    return keys


def platform_actions(template: Template, function: str) -> set[str]:
    """Returns the actions that Lambda itself performs with a function's role."""
    properties = template.functions()[function]
    actions = set()
    if properties.get("LoggingConfig"):
        actions |= {"logs:CreateLogStream", "logs:PutLogEvents"}
    if properties.get("Tracing") == "Active":
        actions |= {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    if any(event["Type"] == "SQS" for event in properties.get("Events", {}).values()):
        actions |= {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    if properties.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure", {}).get("Type") == "SQS":
        actions |= {"sqs:SendMessage"}
    return actions


def needed_actions(template: Template, function: str, optional: bool) -> set[str]:
    """Returns every action that a function, or Lambda for it, uses."""
    actions = set().union(*(ACTIONS[operation] for operation in rust.function(function).operations()))
    if optional:
        if "s3:GetObject" in actions:
            actions |= {"kms:Decrypt"}
        if "s3:PutObject" in actions:
            # S3 decrypts the parts of an upload when it joins them.
            actions |= {"kms:Decrypt", "kms:GenerateDataKey"}
    return actions | platform_actions(template, function)


def action_problems(template: Template, function: str) -> Iterator[str]:
    """Yields actions that are used but not allowed, or allowed but not used, with and without options."""
    role = template.role_of(function)
    for optional in (True, False):
        needed = needed_actions(template, function, optional)
        allowed = {statement.action for statement in template.statements(role, optional)}
        for action in sorted(needed - allowed):
            yield f"{function} uses {action}, and {role} does not allow it"
        for action in sorted(allowed - needed):
            yield f"{role} allows {action}, and {function} does not use it"


def _own(statements: list[Statement], action: str) -> list[Statement]:
    """Returns the statements about the deployment's own bucket."""
    return [one for one in statements if one.action == action and one.resource.startswith("arn:aws:s3:::bucket")]


def _allows(statements: list[Statement], key: str) -> bool:
    return any(matches(one.resource, f"arn:aws:s3:::bucket/{key}") for one in statements)


def _held(what: str, role: str, statements: list[Statement], needed: set[str], refused: set[str]) -> Iterator[str]:
    for key in sorted(needed):
        if not _allows(statements, key):
            yield f"{role} may not {what} {key}"
    for key in sorted(refused):
        if _allows(statements, key):
            yield f"{role} may {what} {key} but does not need to"
    for one in statements:
        if not any(matches(one.resource, f"arn:aws:s3:::bucket/{key}") for key in needed):
            yield f"{one}: no object there is used"


def object_problems(template: Template, function: str) -> Iterator[str]:
    """Yields objects that a function needs but may not use, or may use but does not need."""
    keys = layout()
    role = template.role_of(function)
    statements = template.statements(role, optional=False)
    places = keys | PREFIXES | NOTES

    reads = {places[name] for name in READS[function]}
    reads_runs = any(name in keys for name in READS[function])
    # Functions that read documents of runs may read whole runs, except trigger and settle.
    whole = reads_runs and function not in ("trigger", "settle")
    unread = {key for key in places.values() if key not in reads and not (whole and key.startswith("runs/"))}
    yield from _held("read", role, _own(statements, "s3:GetObject"), reads, unread)

    # Only data is read by version. What a run writes is never replaced by other bytes.
    pinned = {PREFIXES["inbox"]} if rust.function(function).reads_versions() else set()
    of_versions = _own(statements, "s3:GetObjectVersion")
    yield from _held("read versions of", role, of_versions, pinned, set(places.values()) - pinned)

    writes = {places[name] for name in WRITES[function]}
    unwritten = set(places.values()) | {"other/x"}
    yield from _held("write", role, _own(statements, "s3:PutObject"), writes, unwritten - writes)

    operations = rust.function(function).operations()
    in_parts = IN_PARTS if "abort_multipart_upload" in operations else set()
    given_up = {places[name] for name in WRITES[function] if name in in_parts}
    rest = set(places.values()) - given_up
    yield from _held("give up writing", role, _own(statements, "s3:AbortMultipartUpload"), given_up, rest)

    listed = {places[name] for name in LISTS[function]}
    for one in _own(statements, "s3:ListBucket"):
        if one.resource != "arn:aws:s3:::bucket":
            yield f"{one}: listing must be allowed on the bucket"
        prefixes = re.findall(r'"([^"]+)"', one.condition.partition("s3:prefix")[2][1:])
        for place in set(PREFIXES.values()):
            allowed = any(matches(prefix, place) for prefix in prefixes)
            if allowed != (place in listed):
                yield f"{role} {'may' if allowed else 'may not'} list {place}"
    if bool(listed) != bool(_own(statements, "s3:ListBucket")):
        yield f"{role}: listing is {'not ' if listed else ''}allowed"


def table_problems(function: str) -> Iterator[str]:
    """Yields differences between the objects of a run's folder that the tables and the sources name."""
    text = rust.function(function).text
    receivers = r"(?:\b(?:run|round|slice|next|folder|slice_folder)|\bslice\([^()]*\)|\bround\([^()]*\)|RunFolder::new\([^;]*?\))"
    named = {name for name in re.findall(rf"(?={receivers}\s*\.(\w+)\()", text) if name in layout()}
    if re.search(r"use quarry_rows::[^;]*\bRows\b", text):
        # The slice's document says where the rows are: in the data, or in a staged copy.
        named |= {"staged", "layout"}
    if "quarry_rows::layout(" in text:
        named.add("layout")
    if "owner::of(" in text:
        named |= {"owner", "plan"}
    table = {name for name in READS[function] + WRITES[function] if name in layout()} | NAMED_ONLY.get(function, set())
    for name in sorted(named - table):
        yield f"{function} names `{name}()`, which is in neither READS, WRITES nor NAMED_ONLY"
    for name in sorted(table - named):
        yield f"the tables list `{name}()` for {function}, but its sources do not name it"


def problems(template: Template) -> list[str]:
    """Returns all problems of the functions' roles."""
    found = []
    for function in template.functions():
        found += action_problems(template, function)
        found += object_problems(template, function)
    return sorted(set(found))


def resolved_condition(template: Template, role: str, sid: str) -> object:
    """Returns the condition of a statement in a role's own policies."""
    for policy in template.resources[role]["Properties"]["Policies"]:
        for statement in resolve(policy["PolicyDocument"]["Statement"]):
            if statement["Sid"] == sid:
                return statement.get("Condition")
    raise KeyError(sid)
