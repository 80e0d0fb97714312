"""Starts ministack 1.5.33, and adds what it lacks of the services' documented behaviour.

- S3: a read of one version of an object takes a `Range`
  (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html). ministack returns the whole version.
- Permissions: a call about a Map Run is a call on its ARN
  (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html). ministack
  takes it for one on all resources.
- Step Functions: `RedriveExecution`
  (https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html). The execution continues
  at the state that failed, with the input of that state. In a Map Run, children that succeeded keep their
  outputs, and the others continue at the state that failed in them.
"""

import contextvars
import copy
import json
import sys
import threading
import time

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import error_response_json, json_response
from ministack.services import s3, stepfunctions

extract_resource_arn = iam_actions.extract_resource_arn
whole_object = s3._get_object
describe_execution = stepfunctions._describe_execution
execute_map = stepfunctions._execute_map
execute_task = stepfunctions._execute_task
handle_request = stepfunctions.handle_request
run_sub_machine = stepfunctions._run_sub_machine

# Where each execution, and each child of its Map, is: (execution, index) -> (state, input). The index of the
# execution itself is None.
places: dict[tuple[str, int | None], tuple[str, object]] = {}
# The outputs of the children that succeeded.
outputs: dict[tuple[str, int | None], object] = {}


def resource_of_call(service: str, method: str, path: str, headers: dict, body: bytes, *rest):
    map_run = json.loads(body).get("mapRunArn") if service == "states" and body else None
    return map_run or extract_resource_arn(service, method, path, headers, body, *rest)


def object_or_range(bucket: str, key: str, headers: dict, query: dict | None = None):
    status, response_headers, body = whole_object(bucket, key, headers, query)
    wanted = headers.get("range", "")
    if status != 200 or not wanted or "versionId" not in (query or {}):
        return status, response_headers, body
    size = len(body)
    span = s3._parse_range(wanted, size)
    if span is None:
        return s3._error("InvalidRange", "The requested range is not satisfiable", 416, f"/{bucket}/{key}")
    first, last = span
    part = body[first : last + 1]
    # The checksum is that of the whole object.
    kept = {name: value for name, value in response_headers.items() if not name.lower().startswith("x-amz-checksum")}
    ranged = {"Content-Length": str(len(part)), "Content-Range": f"bytes {first}-{last}/{size}"}
    return 206, kept | ranged, part


def owner(context: dict) -> tuple[str, int | None]:
    """Returns what a context belongs to: an execution, or a child of its Map."""
    return context["Execution"]["Id"], context.get("Map", {}).get("Item", {}).get("Index")


def noting_the_place(execute):
    """Only states of these types can fail."""

    def executed(state: dict, state_input: object, execution: dict, context: dict):
        places[owner(context)] = (context["State"]["Name"], copy.deepcopy(state_input))
        return execute(state, state_input, execution, context)

    return executed


def continued(states: dict, start_at: str, machine_input: object, execution: dict, context: dict):
    """Runs a child, or what is left of it."""
    child = owner(context)
    if child in outputs:
        return copy.deepcopy(outputs[child])
    state, state_input = places.get(child, (start_at, machine_input))
    output = run_sub_machine(states, state, state_input, execution, context)
    outputs[child] = copy.deepcopy(output)
    return output


def run_again(execution: dict) -> None:
    arn = execution["executionArn"]
    machine = stepfunctions._state_machines[execution["stateMachineArn"]]
    state, state_input = places[arn, None]
    context = {
        "QueryLanguage": "JSONPath",
        "Execution": {
            "Id": arn, "Input": json.loads(execution["input"]), "Name": execution["name"], "StartTime": execution["startDate"],
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }  # fmt: skip
    try:
        states = json.loads(machine["definition"])["States"]
        output = run_sub_machine(states, state, copy.deepcopy(state_input), execution, context)
    except stepfunctions._ExecutionError as error:
        stepfunctions._fail_execution(execution, error.error, error.cause)
        return
    execution.update(status="SUCCEEDED", output=json.dumps(output), stopDate=stepfunctions.now_iso())
    stepfunctions._emit_execution_status_event(execution)


def redrive(data: dict):
    execution = stepfunctions._executions.get(data.get("executionArn"))
    if execution is None:
        return error_response_json("ExecutionDoesNotExist", "the execution does not exist", 400)
    if execution["status"] not in ("FAILED", "TIMED_OUT", "ABORTED"):
        return error_response_json("ExecutionNotRedrivable", f"the execution is {execution['status']}", 400)
    redrives = execution.get("redriveCount", 0) + 1
    execution.update(status="RUNNING", stopDate=None, output=None, redriveDate=time.time(), redriveCount=redrives)
    execution.pop("error", None)
    execution.pop("cause", None)
    stepfunctions._emit_execution_status_event(execution)
    threading.Thread(target=contextvars.copy_context().run, args=(run_again, execution), daemon=True).start()
    return json_response({"redriveDate": execution["redriveDate"]})


def described(data: dict):
    status, headers, body = describe_execution(data)
    execution = stepfunctions._executions.get(data.get("executionArn"), {})
    if status == 200 and "redriveDate" in execution:
        redriven = {name: execution[name] for name in ("redriveDate", "redriveCount")}
        return json_response(json.loads(body) | redriven)
    return status, headers, body


async def handled(method: str, path: str, headers: dict, body: bytes, query: dict):
    if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
        return redrive(json.loads(body))
    return await handle_request(method, path, headers, body, query)


iam_actions.extract_resource_arn = resource_of_call
s3._get_object = object_or_range
stepfunctions._describe_execution = described
stepfunctions._execute_map = noting_the_place(execute_map)
stepfunctions._execute_task = noting_the_place(execute_task)
stepfunctions._run_sub_machine = continued
stepfunctions.handle_request = handled
sys.exit(app.main())
