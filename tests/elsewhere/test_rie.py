"""Every function under AWS's own Lambda Runtime Interface Emulator.

The test calls the seven functions of the state machine in the order of a run, with the payloads in
`events`, and compares the results with those in `events`. S3 is SeaweedFS. trigger and settle get
recorded events of AWS. Errors have the names by which the state machine retries.
"""

import hashlib
import json
import shutil
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from processes import LOOPBACK, Process, environment, free_ports, is_listening
from release import FUNCTIONS, ROOT, RUNTIME_INTERFACE_EMULATOR, binary, memory_mib, timeout_seconds, variables
from servers import Bedrock, SageMaker, SeaweedFs, client

EVENTS = Path(__file__).parent / "events"
EXAMPLE = ROOT / "examples/wildlife-strikes"
RECORDED = {name: ROOT / f"functions/{name}/tests/events" for name in ("trigger", "settle")}
NOBODY = f"http://{LOOPBACK}:1"


class Rie(Process):
    """A function in the emulator, which processes one call at a time."""

    def __init__(self, folder: Path, function: str, **given: str) -> None:
        emulator = folder / "aws-lambda-rie"
        if not emulator.exists():
            shutil.copy(RUNTIME_INTERFACE_EMULATOR, emulator)
            emulator.chmod(0o755)
        port, runtime_api = free_ports(2)
        settings = environment(
            AWS_LAMBDA_FUNCTION_NAME=function,
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(memory_mib(function)),
            # The emulator's default is 300 seconds. Deadlines, and how much a call does, depend on it.
            AWS_LAMBDA_FUNCTION_TIMEOUT=str(timeout_seconds(function)),
            **(variables(function) | given),
        )
        arguments = [
            "--runtime-interface-emulator-address", f"{LOOPBACK}:{port}",
            "--runtime-api-address", f"{LOOPBACK}:{runtime_api}",
        ]  # fmt: skip
        super().__init__(f"rie-{function}", [emulator, *arguments, binary(function)], settings, folder)
        self._url = f"http://{LOOPBACK}:{port}/2015-03-31/functions/function/invocations"
        self.wait_until(lambda: is_listening(port))

    def call(self, event: Any) -> Any:
        """Returns the function's result for an event, or its error."""
        request = urllib.request.Request(self._url, data=json.dumps(event).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:  # The function returned nothing, so the emulator returns an error.
            return json.load(error)


class Contract(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        seaweedfs = SeaweedFs(cls.folder)
        cls.addClassCleanup(seaweedfs.kill)
        cls.s3 = client("s3", seaweedfs.endpoint)
        cls.s3.create_bucket(Bucket="bucket")
        bedrock = Bedrock(cls.folder, seaweedfs.endpoint, free_ports(1)[0])
        cls.addClassCleanup(bedrock.kill)
        cls.sagemaker = SageMaker()
        cls.addClassCleanup(cls.sagemaker.kill)
        cls.given = {
            "AWS_ENDPOINT_URL_S3": seaweedfs.endpoint,
            "QUARRY_S3_PATH_STYLE": "true",
            "AWS_ENDPOINT_URL_BEDROCK": bedrock.endpoint,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock.endpoint,
            "AWS_ENDPOINT_URL_SAGEMAKER": cls.sagemaker.endpoint,
            "AWS_ENDPOINT_URL_SFN": NOBODY,
            "BEDROCK_PRIMARY_MODEL_ID": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "BEDROCK_BATCH_ROLE_ARN": "arn:aws:iam::123456789012:role/QuarryBatchRole",
            "BEDROCK_OUTPUT_KMS_KEY": "",
        }
        for name in ("prompts.json", "schema.json"):
            cls.put(f"pipelines/strikes/{name}", (EXAMPLE / name).read_bytes())
        cls.lines = (EXAMPLE / "data/wildlife-strikes.csv").read_bytes().splitlines(keepends=True)
        cls.functions: dict[str, Rie] = {}

    @classmethod
    def put(cls, key: str, body: bytes) -> None:
        cls.s3.put_object(Bucket="bucket", Key=key, Body=body)

    def call(self, function: str, event: Any) -> Any:
        if function not in self.functions:
            self.functions[function] = Rie(self.folder, function, **self.given)
            self.addClassCleanup(self.functions[function].kill)
        return self.functions[function].call(event)

    def go_through(self, name: str) -> None:
        """Calls the functions in the order of a recorded run, and compares their results."""
        job: dict[str, str] = {}
        for step in json.loads((EVENTS / name).read_text(encoding="utf-8")):
            function, event = step["function"], step["event"]
            if "job" in event:
                event["job"]["arn"] = job["arn"]
            answer = self.call(function, event)
            if function == "check" and step["answer"]["next"] == "merge":
                end = time.monotonic() + 60
                while answer.get("next") == "wait" and time.monotonic() < end:
                    time.sleep(0.5)
                    answer = self.call(function, event)
            if isinstance(answer, dict) and "job" in answer:
                job = answer["job"]
                self.assertRegex(job["arn"], r"^arn:aws:bedrock:eu-central-1:\d{12}:model-invocation-job/[a-z0-9]{12}$")
                answer = answer | {"job": job | {"arn": "<arn>"}}
            self.assertEqual(answer, step["answer"], f"{function}\n{self.functions[function].tail()}")

    def table(self, prefix: str) -> list[bytes]:
        body = self.s3.get_object(Bucket="bucket", Key=f"{prefix}validation_processed_data.csv")["Body"].read()
        return body.splitlines(keepends=True)

    def test_a_run_with_a_job_goes_through_the_functions(self) -> None:
        self.put("inbox/strikes/job/data.csv", b"".join(self.lines[:121]))
        self.go_through("job.json")
        self.assertEqual(len(self.table("results/job/")), 121)

    def test_a_run_on_demand_goes_through_the_functions(self) -> None:
        self.put("inbox/strikes/on-demand/data.csv", b"".join(self.lines[:6]))
        self.go_through("on-demand.json")
        self.assertEqual(len(self.table("results/on-demand/")), 6)

    def test_a_payload_that_cannot_be_used_is_an_error_with_a_stable_name(self) -> None:
        state = {"version": 1, "run": "s3://bucket/runs/none", "slice": 1, "round": 0, "next": "split"}
        request = {
            "version": 1, "data": "s3://bucket/inbox/none/", "prompts": "s3://bucket/inbox/none/",
            "output": "s3://bucket/results/none/", "job_type": "validation",
        }  # fmt: skip
        plan = {"version": 1, "execution": "none", "started": "2026-01-02T03:04:05.678Z", "turn": 0, "request": request}
        cases = {
            "plan": (plan, "Quarry.BadRequest"),
            "split": (state, "Quarry.NotFound"),
            "submit": (state, "Quarry.NotFound"),
            "check": (state, "Quarry.BadRequest"),
            "invoke": (state, "Quarry.NotFound"),
            "merge": (state, "Quarry.NotFound"),
            "finish": ({"version": 1, "run": "s3://bucket/runs/none", "turn": 0}, "Quarry.NotFound"),
        }
        for function, (event, name) in cases.items():
            with self.subTest(function):
                answer = self.call(function, event)
                self.assertEqual(answer.get("errorType"), name, answer)
                self.assertTrue(answer["errorMessage"])
            with self.subTest(f"{function}, not readable"):
                answer = self.call(function, event | {"turns": 1})
                self.assertEqual(answer.get("errorType"), "Quarry.BadRequest", answer)
                self.assertIn("`turns`: unknown field", answer["errorMessage"])
        answer = self.call("plan", plan | {"request": request | {"data": 7}})
        self.assertEqual(answer.get("errorType"), "Quarry.BadRequest", answer)
        self.assertIn("`request.data`: ", answer["errorMessage"])

    def test_a_damaged_page_is_an_error_and_not_a_crash(self) -> None:
        # The Parquet decoder panics on this page, so a binary that is built to abort would crash.
        table = bytearray((ROOT / "crates/parquet/tests/fixtures/pyarrow_pages.parquet").read_bytes())
        table[4684] = 103
        self.put("inbox/strikes/damaged/data.parquet", bytes(table))
        columns = ["id", "word", "number", "level", "tags"]
        template = " ".join(f"{{{column}}}" for column in columns)
        prompts = {"system_prompt": "", "user_prompt_template": template, "input_placeholders": columns}
        self.put("inbox/strikes/damaged/prompts/prompts.json", json.dumps(prompts).encode())
        request = {
            "version": 1, "data": "s3://bucket/inbox/strikes/damaged/", "prompts": "s3://bucket/inbox/strikes/damaged/prompts/",
            "output": "s3://bucket/results/damaged/", "job_type": "validation",
        }  # fmt: skip
        answer = self.call(
            "plan", {"version": 1, "execution": "damaged", "started": "2026-01-02T03:04:05.678Z", "turn": 0, "request": request}
        )
        self.assertEqual(answer.get("errorType"), "Quarry.BadRequest", answer)
        self.assertIn("data.parquet", answer["errorMessage"])

    def test_a_missing_response_of_a_service_is_unavailable(self) -> None:
        event = self.recorded("trigger", "s3-object-created.json")
        self.put("inbox/strikes/may.csv", b"a\n1\n")
        event["detail"]["bucket"]["name"] = "bucket"
        event["detail"]["object"]["etag"] = self.s3.head_object(Bucket="bucket", Key="inbox/strikes/may.csv")["ETag"].strip('"')
        # Step Functions cannot be reached.
        answer = self.call("trigger", event)
        self.assertEqual(answer.get("errorType"), "Quarry.Unavailable", answer)

    def recorded(self, function: str, name: str) -> dict:
        return json.loads((RECORDED[function] / name).read_text(encoding="utf-8"))

    def test_trigger_starts_nothing_for_objects_that_a_run_writes_or_that_were_deleted(self) -> None:
        event = self.recorded("trigger", "s3-result.json")
        event["detail"]["bucket"]["name"] = "bucket"
        self.assertEqual(list(self.call("trigger", event)), ["ignored"])
        event["detail"]["object"]["key"] = "inbox/strikes/deleted.csv"
        self.assertEqual(self.call("trigger", event), {"ignored": "it has been deleted since"})

    def test_a_request_that_tries_to_read_another_pipelines_data_is_refused(self) -> None:
        self.put("inbox/birds/private/data.csv", b"".join(self.lines[:3]))
        place = "s3://bucket/inbox/birds/private/"
        body = json.dumps({"data": place}).encode()
        self.put("inbox/strikes/other/request.json", body)
        event = self.recorded("trigger", "s3-request.json")
        event["detail"]["bucket"]["name"] = "bucket"
        event["detail"]["object"] = {"key": "inbox/strikes/other/request.json", "etag": hashlib.md5(body).hexdigest()}
        event["detail"]["object"]["sequencer"] = "0062E99A88DC407460"
        # Step Functions cannot be reached, so a run that was started would be another error.
        answer = self.call("trigger", event)
        self.assertEqual(answer.get("errorType"), "Quarry.BadRequest", answer)
        self.assertIn(f"`data` is {place}, which the pipeline `strikes` may not use", answer["errorMessage"])

        event = self.recorded("trigger", "callback-executing.json")
        message = json.loads(event["Records"][0]["body"])
        message["token"] = "Another001"
        message["arguments"]["input_data"] = place
        event["Records"][0]["body"] = json.dumps(message)
        answer = self.call("trigger", event)
        self.assertEqual(answer, {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]})
        operation, told = self.sagemaker.wait_for("Another001")
        self.assertEqual(operation, "SendPipelineExecutionStepFailure")
        self.assertIn("may not use", told["FailureReason"])

    def test_a_message_that_cannot_be_read_is_returned_to_the_queue_and_logged_with_unique_keys(self) -> None:
        event = self.recorded("trigger", "callback-malformed.json")
        answer = self.call("trigger", event)
        self.assertEqual(answer, {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]})

        def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            names = [name for name, _ in pairs]
            self.assertEqual(sorted(set(names)), sorted(names))
            return dict(pairs)

        log = self.functions["trigger"].log.read_text(encoding="utf-8").splitlines()
        lines = [json.loads(line, object_pairs_hook=unique) for line in log if line.startswith("{")]
        self.assertIn("message failed", [line.get("message") for line in lines])

    def test_settle_sends_the_result_to_the_pipeline(self) -> None:
        event = self.recorded("settle", "run-succeeded.json")
        answer = self.call("settle", event)
        run = event["detail"]["name"]
        self.assertEqual(answer, {"run": run, "status": "SUCCEEDED", "jobs_stopped": 0, "callback": "answered"})
        operation, body = self.sagemaker.wait_for("26vcYbeWsZ")
        self.assertEqual(operation, "SendPipelineExecutionStepSuccess")
        self.assertIn({"Name": "rows", "Value": "10000"}, body["OutputParameters"])

    def test_settle_leaves_slices_alone(self) -> None:
        event = self.recorded("settle", "slice-failed.json")
        answer = self.call("settle", event)
        expected = {"run": event["detail"]["name"], "status": "FAILED", "jobs_stopped": 0, "callback": "nothing"}
        self.assertEqual(answer, expected)

    def test_every_function_is_called_here(self) -> None:
        called = {"trigger", "settle"}
        for name in ("job.json", "on-demand.json"):
            called |= {step["function"] for step in json.loads((EVENTS / name).read_text(encoding="utf-8"))}
        self.assertEqual(called, set(FUNCTIONS))


if __name__ == "__main__":
    unittest.main()
