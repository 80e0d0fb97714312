"""The whole deployment on ministack, a third-party emulator of AWS.

`sam deploy` creates the stack from the template and the release binaries of `sam build`. From then on
everything works as on AWS: an object arrives, EventBridge calls trigger, Step Functions calls the
functions, EventBridge notifies settle of the end, and each function may do what its role allows. Only
Bedrock is Quarry's simulator, in a separate process, and SageMaker is a server that accepts callbacks.
Neither checks permissions.

Limits: the emulator neither bounds the Map by `max_concurrency` nor ends the children of a stopped run,
and it publishes events to a topic without checking the target's role. Permissions on models do not
matter, because the simulator does not check them. `emulated_template` removes the resources that the
emulator cannot deploy, and `Deployment._bound_roles` adds what it leaves out.
"""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

from deployment import BOUNDARY, BUCKET, OUT_OF_BOUNDS, PIPELINES_BUCKET, STACK, Deployment, emulated_template
from processes import REGION, wait_until
from release import ROOT, TEMPLATE, memory_mib

EXAMPLE = ROOT / "examples/wildlife-strikes"
ROWS = 10_000
PIPELINE = "arn:aws:sagemaker:eu-central-1:123456789012:pipeline/label-strikes/execution/"


def records(table: bytes) -> list[bytes]:
    """Returns a CSV file's records as they are in the file, with the header first."""
    found, begun = [], b""
    for line in table.splitlines(keepends=True):
        begun += line
        if begun.count(b'"') % 2 == 0:
            found.append(begun.rstrip(b"\r\n"))
            begun = b""
    return found


class Elsewhere(unittest.TestCase):
    deployment: Deployment

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        cls.deployment = Deployment(folder)
        cls.addClassCleanup(cls.deployment.kill)
        # One pipeline for arrivals, and one for the messages of the SageMaker pipeline of that name.
        for pipeline in ("strikes", "label-strikes"):
            prompts, schema = (EXAMPLE / "prompts.json").read_bytes(), (EXAMPLE / "schema.json").read_bytes()
            cls.deployment.put(f"pipelines/{pipeline}/prompts.json", prompts)
            cls.deployment.put(f"pipelines/{pipeline}/validation_schema_strikes.json", schema)
        settings = json.loads((EXAMPLE / "request.json").read_text(encoding="utf-8"))["settings"]
        defaults = {"settings": settings, "request_settings": ["BEDROCK_BATCH_THRESHOLD", "BEDROCK_OUTAGE_WAIT_HOURS"]}
        cls.deployment.put("pipelines/strikes/request.json", json.dumps(defaults).encode())
        defaults = {"request_settings": ["BEDROCK_BATCH_THRESHOLD"]}
        cls.deployment.put("pipelines/label-strikes/request.json", json.dumps(defaults).encode())
        cls.data = (EXAMPLE / "data/wildlife-strikes.csv").read_bytes()

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        before = len(result.failures) + len(result.errors) if result else 0
        ran = super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(self.deployment.failure())
        return ran

    def tearDown(self) -> None:
        self.assertEqual(self.deployment.dead_letters(), [])

    def rows(self, count: int) -> bytes:
        """Returns the example's header and first rows."""
        return b"".join(self.data.splitlines(keepends=True)[: count + 1])

    def succeeded(self, run: str) -> dict[str, Any]:
        end = self.deployment.wait_for_end(run)
        self.assertEqual(end["status"], "SUCCEEDED", end)
        return json.loads(end["output"])

    def summary(self, output: dict[str, Any]) -> dict[str, Any]:
        return json.loads(self.deployment.get(output["summary"]))

    def check_table(self, output: dict[str, Any], data: bytes) -> None:
        """Asserts that the result has all rows in order, each starting with its input, byte for byte."""
        given, made = records(data), records(self.deployment.get(output["output"] + "validation_processed_data.csv"))
        self.assertEqual(len(made), len(given))
        self.assertIn(b",llm_species_group,", made[0])
        for old, new in zip(given, made, strict=True):
            self.assertTrue(new.startswith(old + b","), (old, new))

    def message(self, token: str, status: str, rows: int) -> dict[str, Any]:
        """Stores a pipeline's data and returns its message."""
        self.deployment.put(f"{token}/input/data.csv", self.rows(rows), PIPELINES_BUCKET)
        arguments = {
            "input_data": f"s3://{PIPELINES_BUCKET}/{token}/input/",
            "prompt_templates": f"s3://{BUCKET}/pipelines/label-strikes/",
            "validation_schema": f"s3://{BUCKET}/pipelines/label-strikes/validation_schema_strikes.json",
            "processed_data": f"s3://{PIPELINES_BUCKET}/{token}/output/",
            "BEDROCK_BATCH_THRESHOLD": 100,
        }
        return {"token": token, "pipelineExecutionArn": PIPELINE + token.lower(), "arguments": arguments, "status": status}

    def plan(self, execution: str, data: str) -> dict[str, Any]:
        """Returns the output of plan for a run over data."""
        request = {
            "version": 1,
            "data": data,
            "prompts": f"s3://{BUCKET}/pipelines/strikes/",
            "output": f"s3://{BUCKET}/results/strikes/{execution}/",
            "job_type": "validation",
        }
        payload = {"version": 1, "execution": execution, "started": "2026-01-02T03:04:05.678Z", "turn": 0, "request": request}
        return self.deployment.call("plan", payload)

    def arrive(self, folder: str, data: bytes, **settings: str) -> str:
        """Puts a table into a folder of the inbox, and then the request that starts its run. Returns the run."""
        known = self.deployment.runs()
        self.deployment.put(f"inbox/strikes/{folder}/data.csv", data)
        request = {"settings": {"BEDROCK_BATCH_THRESHOLD": "100"} | settings}
        self.deployment.put(f"inbox/strikes/{folder}/request.json", json.dumps(request).encode())
        return self.deployment.wait_for_run(known)

    def test_a_function_may_not_do_what_its_role_does_not_allow(self) -> None:
        self.deployment.s3.create_bucket(
            Bucket="somebody-elses", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        self.deployment.put("data/data.csv", self.rows(1), "somebody-elses")
        answer = self.plan("denied", "s3://somebody-elses/data/")
        self.assertEqual(answer.get("errorType"), "Quarry.AccessDenied", answer)
        self.assertIn("somebody-elses", answer["errorMessage"])

    def test_every_role_is_held_to_the_boundary(self) -> None:
        roles = self.deployment.roles()
        self.assertEqual(sorted(roles), sorted(TEMPLATE.of_type("AWS::IAM::Role")))
        for logical_id, name in roles.items():
            role = self.deployment.iam.get_role(RoleName=name)["Role"]
            self.assertEqual(role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"), BOUNDARY, logical_id)
        # plan's own policies (ReadableArns) allow this, but the boundary does not.
        self.deployment.s3.create_bucket(Bucket=OUT_OF_BOUNDS, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.deployment.put("data/data.csv", self.rows(1), OUT_OF_BOUNDS)
        answer = self.plan("outofbounds", f"s3://{OUT_OF_BOUNDS}/data/")
        self.assertEqual(answer.get("errorType"), "Quarry.AccessDenied", answer)
        self.assertIn(OUT_OF_BOUNDS, answer["errorMessage"])

    def test_the_rule_has_a_role_that_may_publish_to_the_topic_alone(self) -> None:
        targets = self.deployment.targets_of("RunEnded")
        (topic,) = [one for one in targets if one["Arn"] == self.deployment.outputs["TopicArn"]]
        role = self.deployment.iam.get_role(RoleName=self.deployment.roles()["RunEndedRole"])["Role"]
        self.assertEqual(topic["RoleArn"], role["Arn"])
        other = self.deployment.outputs["TopicArn"] + "-2"
        for arn, expected in ((self.deployment.outputs["TopicArn"], "allowed"), (other, "implicitDeny")):
            decided = self.deployment.iam.simulate_principal_policy(
                PolicySourceArn=role["Arn"], ActionNames=["sns:Publish"], ResourceArns=[arn]
            )
            self.assertEqual([one["EvalDecision"] for one in decided["EvaluationResults"]], [expected], arn)

    def test_only_what_has_to_be_left_out_is_left_out(self) -> None:
        left_out = set(TEMPLATE.resources) - set(emulated_template()["Resources"])
        alarms = {"RunsFailedAlarm", "JobAgeAlarm", "DeadLettersAlarm"}
        policies = {"BucketPolicy", "CallbackQueuePolicy", "CallbackDeadLettersPolicy"}
        self.assertEqual(left_out, alarms | policies)

    def test_an_arrival_becomes_a_table_and_no_result_starts_a_run(self) -> None:
        self.deployment.simulate()
        known = self.deployment.runs()
        self.deployment.put("inbox/strikes/strikes.csv", self.data)
        run = self.deployment.wait_for_run(known)
        output = self.succeeded(run)
        self.assertEqual((output["rows"], output["failed"]), (ROWS, 0))
        self.assertTrue(output["output"].startswith(f"s3://{BUCKET}/results/strikes/strikes-"), output)
        self.check_table(output, self.data)
        summary = self.summary(output)
        self.assertEqual(summary["rows"]["in"], ROWS)
        self.assertEqual(summary["rows"]["out"], ROWS)
        self.assertEqual(summary["validation_passed_records"], ROWS)
        self.assertEqual(summary["batch_job_info"]["total_jobs"], 7)
        self.assertTrue(summary["reconciliation"]["agrees_with_bedrock"])

        name = run.rpartition(":")[2]
        # settle is notified of the end after all events about results.
        wait_until("the run is settled", lambda: self.deployment.logged("settle", "settled", name), 60)
        told: list[str] = []
        wait_until("the topic is told", lambda: told.extend(self.deployment.told()) or any(name in one for one in told), 60)
        (message,) = [one for one in told if name in one]
        self.assertIn(f"Quarry run {name} in {STACK}: SUCCEEDED", message)
        self.assertEqual(sorted(self.deployment.runs()), sorted([*known, run]))
        self.assertEqual(len(self.deployment.logged("trigger", "run started", name)), 1)

        peaks = self.deployment.peak_mib()
        for function in ("plan", "split", "submit", "check", "merge", "finish"):
            with self.subTest(function):
                self.assertLess(peaks[function], memory_mib(function))

    def test_rows_of_a_job_that_failed_are_sent_again(self) -> None:
        end = {"job": 0, "kind": "end", "status": "Failed", "answered": 0.5, "message": "an internal error"}
        bedrock = self.deployment.simulate(faults={"jobs": [end]})
        data = self.rows(400)
        output = self.succeeded(self.arrive("failing", data))
        self.assertEqual((output["rows"], output["failed"]), (400, 0))
        self.check_table(output, data)
        self.assertEqual([job["status"] for job in bedrock.jobs()], ["Failed", "Completed"])
        rounds = self.summary(output)["rounds"]
        self.assertEqual([(one["asked"], one["good"]) for one in rounds], [(400, 200), (200, 200)])

    def test_an_outage_that_ends_a_run_is_made_good_by_a_redrive(self) -> None:
        outage = {"job": 0, "kind": "end", "status": "Failed", "answered": 0, "message": "the service has no capacity"}
        self.deployment.simulate(faults={"jobs": [outage]})
        data = self.rows(400)
        run = self.arrive("outage", data, BEDROCK_OUTAGE_WAIT_HOURS="0")
        end = self.deployment.wait_for_end(run)
        self.assertEqual(end["status"], "FAILED", end)
        (failed,) = self.deployment.logged("merge", "failed", run.rpartition(":")[2])
        self.assertIn("the service has no capacity", failed["error"])

        bedrock = self.deployment.simulate()
        self.deployment.executions.redrive_execution(executionArn=run)
        output = self.succeeded(run)
        self.assertEqual((output["rows"], output["failed"]), (400, 0))
        self.check_table(output, data)
        self.assertEqual([job["status"] for job in bedrock.jobs()], ["Completed"])

    def test_an_input_that_is_overwritten_during_the_run_costs_nothing(self) -> None:
        bedrock = self.deployment.simulate(seconds_per_status=3)
        data = self.rows(400)
        run = self.arrive("overwritten", data)
        wait_until("the job is there", bedrock.jobs, 60)
        self.deployment.put("inbox/strikes/overwritten/data.csv", data[: len(data) // 2])
        output = self.succeeded(run)
        self.assertEqual((output["rows"], output["failed"]), (400, 0))
        self.check_table(output, data)
        self.assertEqual([job["status"] for job in bedrock.jobs()], ["Completed"])

    def test_a_request_for_another_pipelines_data_is_refused_and_starts_nothing(self) -> None:
        known = self.deployment.runs()
        place = f"s3://{BUCKET}/inbox/label-strikes/private/"
        self.deployment.put("inbox/label-strikes/private/data.csv", self.rows(3))
        self.deployment.put("inbox/strikes/foreign/request.json", json.dumps({"data": place}).encode())
        words = f"`data` is {place}, which the pipeline `strikes` may not use"
        wait_until("the request is refused", lambda: any(words in line for line in self.deployment.log_lines()), 60)
        self.assertEqual(sorted(self.deployment.runs()), sorted(known))

    def test_a_pipeline_gets_the_result(self) -> None:
        self.deployment.simulate()
        known = self.deployment.runs()
        self.deployment.send(self.message("CallBack01", "Executing", 150))
        output = self.succeeded(self.deployment.wait_for_run(known))
        operation, body = self.deployment.sagemaker.wait_for("CallBack01")
        self.assertEqual(operation, "SendPipelineExecutionStepSuccess")
        told = {one["Name"]: one["Value"] for one in body["OutputParameters"]}
        self.assertEqual(told["processed_data"], f"s3://{PIPELINES_BUCKET}/CallBack01/output/")
        self.assertEqual(told["analysis_summary"], output["summary"])
        self.assertEqual((told["rows"], told["failed"]), ("150", "0"))
        self.check_table(output, self.rows(150))

    def test_a_pipeline_that_stops_leaves_no_job_running(self) -> None:
        bedrock = self.deployment.simulate(seconds_per_status=300)
        known = self.deployment.runs()
        message = self.message("CallBack02", "Executing", 150)
        self.deployment.send(message)
        run = self.deployment.wait_for_run(known)
        wait_until("the job is there", bedrock.jobs, 60)
        self.deployment.send(message | {"status": "Stopping"})
        end = self.deployment.wait_for_end(run)
        self.assertEqual((end["status"], end["error"]), ("ABORTED", "Quarry.Stopped"))
        operation, body = self.deployment.sagemaker.wait_for("CallBack02")
        self.assertEqual(operation, "SendPipelineExecutionStepFailure")
        # The emulator's event has no cause, so settle requests it.
        self.assertTrue(body["FailureReason"].startswith("Quarry.Stopped: the pipeline is being stopped"), body)
        self.assertEqual([job["status"] for job in bedrock.jobs()], ["Stopping"])


if __name__ == "__main__":
    unittest.main()
