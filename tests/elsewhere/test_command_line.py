"""The commands that work with a deployment, as a user who has nothing but the stack's managed policy
`CommandLinePolicy`, on the emulator that test_deployment.py describes.

The emulator holds the user to the policy in S3 and in Step Functions. CloudFormation's and Bedrock's
parts of the policy are compared with the code in tests/infra.
"""

import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from deployment import PROFILE, STACK, Deployment
from processes import environment, wait_until
from release import QUARRY, ROOT

EXAMPLE = ROOT / "examples/wildlife-strikes"
ROWS = 300
USER = "analyst"
SUCCEEDED, FAILED, NOT_YET = 0, 4, 6
# What is not the same in two runs over the same rows: names, places and times.
OWN = {
    "run", "processing_timestamp", "schema_source", "result", "arn", "name", "seconds", "submitted", "ended", "model_info",
}  # fmt: skip
# What each part of the policy is for: the part's name, and a command that the user cannot run without it.
NEEDED = {
    "StartRuns": ("states:StartExecution", "submit"),
    "ListRuns": ("states:ListExecutions", "runs"),
    "LookAtRuns": ("states:DescribeExecution", "status"),
    "Read": ("s3:GetObject", "results"),
    "Upload": ("s3:PutObject", "submit"),
}


def without_own(value: Any) -> Any:
    """Returns a part of a summary without what is the run's own."""
    if isinstance(value, list):
        return [without_own(element) for element in value]
    if isinstance(value, dict):
        return {name: without_own(member) for name, member in value.items() if name not in OWN}
    return value


def figures(page: Path) -> dict[str, str]:
    """Returns the figures of a report that are not the run's own, by their place in the summary."""
    found = re.findall(r'data-member="([^"]+)">([^<]*)<', page.read_text(encoding="utf-8"))
    return {member: text for member, text in found if member.rsplit("/", 1)[1] not in OWN}


class CommandLine(unittest.TestCase):
    deployment: Deployment
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        cls.deployment = Deployment(cls.folder)
        cls.addClassCleanup(cls.deployment.kill)
        iam = cls.deployment.iam
        policy = iam.get_policy(PolicyArn=cls.deployment.outputs["CommandLinePolicyArn"])["Policy"]
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        document = version["Document"]
        cls.policy: dict[str, Any] = json.loads(document) if isinstance(document, str) else document
        cls.credentials = cls.user(USER, policy["Arn"])
        cls.data = cls.folder / "strikes.csv"
        lines = (EXAMPLE / "data/wildlife-strikes.csv").read_bytes().splitlines(keepends=True)
        cls.data.write_bytes(b"".join(lines[: ROWS + 1]))

    @classmethod
    def user(cls, name: str, policy: str) -> dict[str, str]:
        """Makes a user who has one policy, and returns the user's credentials."""
        iam = cls.deployment.iam
        iam.create_user(UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def quarry(self, *arguments: object, exit_code: int = SUCCEEDED, credentials: dict[str, str] | None = None) -> Any:
        """Runs a command with `--json` and returns what it printed, one value for each line."""
        ran = self.ran([*arguments, "--json"], exit_code, credentials)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def ran(
        self, arguments: list[object], exit_code: int = SUCCEEDED, credentials: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command as the user."""
        assert self.deployment.bedrock
        variables = environment(
            AWS_ENDPOINT_URL=self.deployment.aws.endpoint,
            AWS_ENDPOINT_URL_BEDROCK=self.deployment.bedrock.endpoint,
            QUARRY_S3_PATH_STYLE="true",
            QUARRY_STACK=STACK,
            **(credentials or self.credentials),
        )
        command = [str(part) for part in (QUARRY, *arguments)]
        ran = subprocess.run(command, cwd=self.folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(ran.returncode, exit_code, f"{command}\n{ran.stdout}\n{ran.stderr}")
        return ran

    def submit(self, *more: object, **how: Any) -> str:
        """Submits the table and returns the run's name."""
        prompts, schema = EXAMPLE / "prompts.json", EXAMPLE / "schema.json"
        arguments = ["submit", self.data, "--prompts", prompts, "--schema", schema, "--set", "BEDROCK_BATCH_THRESHOLD=100", "--yes"]
        (submitted, *_) = self.quarry(*arguments, *more, **how)
        return submitted["run"]

    def wait_for(self, run: str, exit_code: int) -> dict[str, Any]:
        """Follows a run to its end and returns its last status. Behind that of a run that failed there is an error."""
        looks = self.quarry("watch", run, "--every", 1, exit_code=exit_code)
        return [look for look in looks if "state" in look][-1]

    def table(self, folder: Path) -> list[bytes]:
        """Returns the lines of the table in a folder of results, of which there is one."""
        (table,) = folder.glob("*.csv")
        return table.read_bytes().splitlines()

    def check_results(self, run: str) -> None:
        """Asserts that the results of a run are a whole table, and a summary that counts its rows."""
        out = self.folder / f"{run}-results"
        (copied,) = self.quarry("results", run, "--out", out)
        self.assertEqual(sorted(Path(file) for file in copied["files"]), sorted(out.iterdir()))
        rows, given = self.table(out), self.data.read_bytes().splitlines()
        self.assertEqual(len(rows), len(given))
        self.assertTrue(all(row.startswith(old + b",") for row, old in zip(rows, given, strict=True)))
        (summary,) = out.glob("processing_summary_*.json")
        counted = json.loads(summary.read_text(encoding="utf-8"))
        self.assertEqual((counted["rows"]["in"], counted["validation_passed_records"]), (ROWS, ROWS))

    def test_a_user_of_the_policy_gets_from_a_file_to_its_results(self) -> None:
        self.deployment.simulate()
        run = self.submit("--name", "first")
        self.assertEqual(run, "first")
        self.assertEqual(self.wait_for(run, SUCCEEDED)["state"], "succeeded")
        (listed,) = self.quarry("runs")
        (line,) = [one for one in listed["runs"] if one["run"] == run]
        self.assertEqual((line["state"], line["rows"], line["failed"]), ("succeeded", ROWS, 0))
        self.check_results(run)

    def check_same_result(self, name: str, *, local: str) -> dict[str, Any]:
        """Asserts that two folders have the same result, apart from what is a run's own, and returns its summary."""
        folders = [self.folder / name, self.folder / local]
        tables = [(table.name, table.read_bytes()) for folder in folders for table in folder.glob("*.csv")]
        self.assertEqual(len(tables), 2)
        self.assertEqual(tables[0], tables[1])
        summaries = [json.loads(next(folder.glob("*.json")).read_text(encoding="utf-8")) for folder in folders]
        self.assertEqual(without_own(summaries[0]), without_own(summaries[1]))
        for page in ("processing_report_*.html", "report.html"):
            reports = [figures(next(folder.glob(page))) for folder in folders]
            self.assertGreater(len(reports[0]), 100)
            self.assertEqual(reports[0], reports[1])
        return summaries[0]

    def test_the_whole_way_from_a_sample_to_the_report_gives_what_a_local_run_gives(self) -> None:
        self.deployment.simulate(schema=EXAMPLE / "schema.json")
        as_deployed = ["--set", f"BEDROCK_PRIMARY_MODEL_ID={PROFILE}"]

        tried = self.ran(["submit", EXAMPLE, "--sample", 50, "--yes", "--wait", "--out", "tried"])
        self.assertIn("started wildlife-strikes-", tried.stdout)
        self.assertIn("sample    50 of 10,000 rows, the first ones", tried.stdout)
        (estimated,) = self.quarry("estimate", EXAMPLE, *as_deployed)
        submitted = self.ran(["submit", EXAMPLE, "--yes"])
        self.assertIn("10,000 rows, 10,000 records", submitted.stderr)
        run = submitted.stdout.removeprefix("started ").strip()
        watched = self.ran(["watch", "-", "--out", "results"])
        self.assertIn(f"{run}   succeeded", watched.stdout)
        copied = self.ran(["results", run])
        for folder in ("tried", "results"):
            self.ran(["report", folder])

        self.assertEqual(len(copied.stdout.splitlines()), 3)
        for file in (self.folder / run).iterdir():
            self.assertEqual(file.read_bytes(), (self.folder / "results" / file.name).read_bytes())
        for arguments, out in ((["--sample", 50], "tried-here"), ([], "here")):
            self.ran(["run", EXAMPLE, *as_deployed, *arguments, "--out", out])
            self.ran(["report", out])
        whole = self.check_same_result("results", local="here")
        self.assertEqual(whole["rows"]["out"], 10_000)
        expected, cost = estimated["cost"], float(whole["cost"]["total"])
        self.assertTrue(float(expected["low"]) <= cost <= float(expected["high"]), (expected, cost))
        projection = self.check_same_result("tried", local="tried-here")["sample"]["projection"]
        # The first 50 rows are about as long as the others.
        self.assertAlmostEqual(float(projection["in_jobs"]) / cost, 1, delta=0.05)

    def test_data_that_is_in_s3_is_planned_and_read_where_it_is(self) -> None:
        self.deployment.simulate()
        key = "inbox/strikes/2026/strikes.csv"
        self.deployment.put(key, self.data.read_bytes())
        bucket = self.deployment.outputs["BucketName"]
        prompts, schema = EXAMPLE / "prompts.json", EXAMPLE / "schema.json"
        documents = ["--prompts", prompts, "--schema", schema, "--set", "BEDROCK_BATCH_THRESHOLD=100", "--yes"]
        for number, place in enumerate((f"s3://{bucket}/{key}", f"s3://{bucket}/inbox/strikes/2026/")):
            with self.subTest(place):
                (submitted, *_) = self.quarry("submit", place, "--name", f"in-s3-{number}", *documents)
                self.assertEqual((submitted["rows"], submitted["request"]["data"]), (ROWS, place))
                self.wait_for(submitted["run"], SUCCEEDED)
                self.check_results(submitted["run"])
        (refused,) = self.quarry("submit", f"s3://{bucket}/results/strikes.csv", *documents, exit_code=3)
        self.assertIn("ReadableArns", refused["error"]["message"])

    def test_submit_can_wait_and_copies_the_results(self) -> None:
        self.deployment.simulate()
        out = self.folder / "waited"
        run = self.submit("--wait", "--out", out)
        self.assertEqual(len(self.table(out)), ROWS + 1)
        self.assertEqual(self.quarry("status", run, "--exit-code")[0]["rows"]["total"], ROWS)

    def test_a_run_at_work_is_told_with_bedrocks_own_counts_and_stop_leaves_no_job(self) -> None:
        bedrock = self.deployment.simulate(seconds_per_status=300)
        run = self.submit()
        wait_until("the job is there", bedrock.jobs, 60)
        (status,) = self.quarry("status", run, "--exit-code", exit_code=NOT_YET)
        self.assertEqual((status["state"], len(status["jobs"])), ("running", 1))
        self.quarry("results", run, exit_code=NOT_YET)
        (stopped,) = self.quarry("stop", run, "--yes", "--reason", "a wrong prompt")
        self.assertEqual(stopped["state"], "stopped")
        self.assertEqual([job["status"] for job in bedrock.jobs()], ["Stopping"])
        self.assertIn("a wrong prompt", stopped["failure"]["message"])

    def test_a_failed_run_is_redriven_to_the_whole_table(self) -> None:
        outage = {"job": 0, "kind": "end", "status": "Failed", "answered": 0, "message": "the service has no capacity"}
        self.deployment.simulate(faults={"jobs": [outage]})
        run = self.submit("--set", "BEDROCK_OUTAGE_WAIT_HOURS=0")
        failed = self.wait_for(run, FAILED)
        self.assertIn("the service has no capacity", failed["failure"]["message"])
        self.deployment.simulate()
        self.quarry("redrive", run, "--yes")
        self.assertEqual(self.wait_for(run, SUCCEEDED)["redrives"], 1)
        self.check_results(run)

    def test_the_rows_that_failed_are_asked_again_and_merged_into_the_whole_table(self) -> None:
        refusal = {"kind": "error_line", "code": 400, "message": "the record is refused", "times": 100}
        refused = [{"record": f"record_{row}", **refusal} for row in (3, 250)]
        self.deployment.simulate(faults={"records": refused})
        first = self.submit("--name", "some-failed")
        self.wait_for(first, SUCCEEDED)
        self.deployment.simulate()
        out = self.folder / "merged"
        (started, *_) = self.quarry(
            "retry-failed", first, "--set", "BEDROCK_MAX_TOKENS=2048", "--yes", "--wait", "--out", out
        )
        self.assertEqual((started["retries"], started["rows"]), (first, len(refused)))
        (listed,) = self.quarry("runs")
        counts = {line["run"]: (line["rows"], line["failed"]) for line in listed["runs"]}
        self.assertEqual((counts[first], counts[started["run"]]), ((ROWS, 2), (2, 0)))
        self.check_results(started["run"])
        self.assertEqual(self.table(out), self.table(self.folder / f"{started['run']}-results"))
        (before,) = self.quarry("results", first, "--out", self.folder / "unmerged")
        self.assertEqual(len(before["files"]), 3)
        rows, merged = self.table(self.folder / "unmerged"), self.table(out)
        changed = [number for number, (old, new) in enumerate(zip(rows, merged, strict=True)) if old != new]
        # Behind the header.
        self.assertEqual(changed, [4, 251])

    def test_a_command_without_its_part_of_the_policy_names_the_permission(self) -> None:
        self.deployment.simulate()
        run = self.submit()
        self.wait_for(run, SUCCEEDED)
        for part, (permission, command) in NEEDED.items():
            with self.subTest(part):
                statements = [one for one in self.policy["Statement"] if one.get("Sid") != part]
                self.assertEqual(len(statements), len(self.policy["Statement"]) - 1)
                document = json.dumps(self.policy | {"Statement": statements})
                policy = self.deployment.iam.create_policy(PolicyName=f"no-{part}", PolicyDocument=document)["Policy"]
                credentials = self.user(f"no-{part}", policy["Arn"])
                how: dict[str, Any] = {"exit_code": FAILED, "credentials": credentials}
                if command == "submit":
                    arguments = ["submit", self.data, "--prompts", EXAMPLE / "prompts.json", "--yes"]
                else:
                    arguments = [command] if command == "runs" else [command, run]
                (printed,) = self.quarry(*arguments, **how)
                self.assertIn(permission, printed["error"]["message"])


if __name__ == "__main__":
    unittest.main()
